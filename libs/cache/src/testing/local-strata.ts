import { Strata, type StrataOptions } from '../core/strata';
import { LruLocalStore } from '../drivers/memory/lru-local-store';
import { nullBus, nullRemoteStore } from '../drivers/null';
import { FakeClock } from './fake-clock';

/** An instance without L2 on a clock that the test moves. */
export function localStrata(options: Partial<StrataOptions> = {}): { strata: Strata; clock: FakeClock } {
  const clock = new FakeClock();
  const strata = new Strata({
    remote: nullRemoteStore(),
    bus: nullBus(),
    createLocalStore: (bounds, listener) => new LruLocalStore(bounds, listener, clock),
    coherence: 'off',
    clock,
    ...options,
  });
  return { strata, clock };
}
