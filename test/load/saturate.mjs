import autocannon from 'autocannon';
import { mixOf } from './mix.mjs';
import { seeded } from './random.mjs';

const CONNECTIONS = 32;
const DRAWN = 2_000;

/**
 * As many reads a second as the instance gives to {@link CONNECTIONS} connections that never think: its capacity,
 * which 50 thinking people never reach. Latencies of this phase say nothing, a full queue is the point of it.
 */
export async function saturate(url, settings, seconds) {
  const next = mixOf({ ...settings, writes: 0 }, seeded(settings.seed));
  const requests = Array.from({ length: DRAWN }, next).filter(({ isCached }) => isCached);
  const result = await autocannon({
    url,
    connections: CONNECTIONS,
    duration: seconds,
    requests: requests.map(({ method, path }) => ({ method, path })),
  });
  return { perSecond: result.requests.average, failed: result.non2xx + result.errors + result.timeouts };
}
