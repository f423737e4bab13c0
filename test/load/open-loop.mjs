import { exponential } from './random.mjs';

/** More than that under way, and the service is down rather than slow: the rest is counted as an error. */
const MOST_UNDER_WAY = 4_000;

/**
 * Open loop: requests leave when they are due, whether or not earlier ones were answered, and their latency counts
 * from that moment. No answer, however late, keeps another request from being sent or measured.
 */
export async function runOpenLoop({ client, next, recorder, random, rate, seconds }) {
  const startedAt = performance.now();
  const underWay = new Set();
  let due = exponential(rate, random);
  let sent = 0;
  while (due < seconds * 1_000) {
    const wait = startedAt + due - performance.now();
    // A timer is a millisecond late at best: what is nearer than that goes at once, and goes on being measured from `due`.
    if (wait > 1) {
      await new Promise((resolve) => setTimeout(resolve, wait));
      continue;
    }
    launch({ client, recorder, underWay, operation: next(), dueAt: startedAt + due });
    due += exponential(rate, random);
    if (++sent % 32 === 0) await new Promise(setImmediate);
  }
  await Promise.all(underWay);
}

function launch({ client, recorder, underWay, operation, dueAt }) {
  if (underWay.size >= MOST_UNDER_WAY) return recorder.unsent(operation);
  recorder.lateness.recordValue(Math.max(0, Math.round((performance.now() - dueAt) * 1_000)));
  const answered = client.send(operation).then((error) => {
    recorder.record(operation, performance.now() - dueAt, error);
    underWay.delete(answered);
  });
  underWay.add(answered);
}
