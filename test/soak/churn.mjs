import { Client } from '../load/client.mjs';

/**
 * Everything that makes a cache allocate, without a pause until `stop`: keys that never return, unknown ids, lists,
 * writes, tags that nobody carries; in so many `lanes`, each of which waits for its answer. Counts what was done and what failed.
 */
export function churn(url, lanes, token, random) {
  const client = new Client(url, lanes, token);
  const counts = { requests: 0, failures: new Map() };
  let isOver = false;
  let unique = 0;
  const next = () => {
    const kind = random();
    const id = 1 + Math.floor(random() * 100);
    if (kind < 0.3) return { kind: 'list', method: 'GET', path: `/products?search=unique-${unique++}&limit=5` };
    if (kind < 0.45) return { kind: 'unknown', method: 'GET', path: `/products/${1_000_000 + unique++}` };
    if (kind < 0.5) return { kind: 'write', method: 'PATCH', path: `/products/${id}`, body: '{"price":1}' };
    if (kind < 0.55) {
      const body = JSON.stringify({ tags: [`tag:${unique++}`], keys: [`key-${unique++}`] });
      return { kind: 'purge', method: 'POST', path: '/cache/invalidate', body };
    }
    return { kind: 'product', method: 'GET', path: `/products/${id}` };
  };
  const lane = async () => {
    while (!isOver) {
      const operation = next();
      const error = await client.send(operation);
      counts.requests++;
      if (error === undefined || error === 'unknown: status 404') continue;
      counts.failures.set(error, (counts.failures.get(error) ?? 0) + 1);
    }
  };
  const done = Promise.all(Array.from({ length: lanes }, lane));
  return {
    counts,
    stop: async () => {
      isOver = true;
      await done;
      await client.close();
    },
  };
}
