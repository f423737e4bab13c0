import { CacheError } from '../core/errors';
import type { Bus, BusListener } from '../core/ports/bus';
import type { InvalidationMessage, RemoteStore } from '../core/ports/remote-store';

/** Operations of a {@link RemoteStore} that can be disturbed. */
export type StoreOperation =
  'read' | 'readTags' | 'grant' | 'fill' | 'release' | 'invalidate' | 'heartbeat' | 'removeMember';

/** What a test does to a store; each hook may wait at a gate, or throw {@link unreachable}. */
export interface StoreChaos {
  /** Runs before the operation: throwing here means that the request never arrived. */
  before?(operation: StoreOperation): void | Promise<void>;
  /** Runs after it: throwing here means that it took effect and the answer got lost. */
  after?(operation: StoreOperation): void | Promise<void>;
}

/** The error of a store that cannot be reached. */
export const unreachable = (): CacheError => new CacheError('L2_UNAVAILABLE', 'chaos: not reachable');

/** `store` as it is, with `chaos` around each of its operations. */
export function chaosStore(store: RemoteStore, chaos: StoreChaos): RemoteStore {
  const disturbed =
    <A extends unknown[], R>(operation: StoreOperation, run: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      await chaos.before?.(operation);
      const result = await run(...args);
      await chaos.after?.(operation);
      return result;
    };
  return {
    get available() {
      return store.available;
    },
    holdsEntries: store.holdsEntries,
    onBreakerChange: (listener) => store.onBreakerChange?.(listener),
    // Without a wish: leave to load is asked for by a `grant` of its own, which a test can get in front of.
    read: disturbed('read', (key, tags, most, _wish, bare) => store.read(key, tags, most, undefined, bare)),
    readTags: disturbed('readTags', (tags) => store.readTags(tags)),
    grant: disturbed('grant', (request) => store.grant(request)),
    fill: disturbed('fill', (request) => store.fill(request)),
    release: disturbed('release', (key, token) => store.release(key, token)),
    invalidate: disturbed('invalidate', (message) => store.invalidate(message)),
    heartbeat: disturbed('heartbeat', (member, beat) => store.heartbeat(member, beat)),
    removeMember: disturbed('removeMember', (member, mark) => store.removeMember(member, mark)),
  };
}

/** What may become of a message that arrives. */
export interface BusChaos {
  /** False: the message is lost. Called for what arrives, before the instance sees it. */
  invalidation?(message: InvalidationMessage): boolean;
  acknowledged?(id: string): boolean;
  echo?(beat: number): boolean;
}

/** `bus` as it is, with some of its messages lost on arrival. */
export function chaosBus(bus: Bus, chaos: BusChaos): Bus {
  return {
    start(member, listener) {
      const lossy: BusListener = {
        subscribed: () => listener.subscribed(),
        lost: () => listener.lost(),
        invalidation: (message) => void ((chaos.invalidation?.(message) ?? true) && listener.invalidation(message)),
        acknowledged: (id, from) => void ((chaos.acknowledged?.(id) ?? true) && listener.acknowledged(id, from)),
        echo: (beat) => void ((chaos.echo?.(beat) ?? true) && listener.echo(beat)),
      };
      bus.start(member, lossy);
    },
    acknowledge: (origin, id) => bus.acknowledge(origin, id),
    reconnect: () => bus.reconnect(),
    close: () => bus.close(),
  };
}
