import { Agent, request } from 'node:http';
import { build } from 'hdr-histogram-js';

const CATEGORIES = ['electronics', 'books', 'clothing', 'food', 'toys'];
/** The workshop's mix: 3 product, 2 list, 1 stats. */
const MIX = ['product', 'product', 'product', 'list', 'list', 'stats'];
const pick = (values) => values[Math.floor(Math.random() * values.length)];

/**
 * `users` people with 0.1–0.5 s of thinking between requests, for `seconds`. Resolves with what they saw
 * on cached routes (`product`, `list`) and with every error.
 */
export async function runUsers(url, users, seconds, onProgress) {
  const result = {
    latency: build({ maxValue: 60_000_000, numberOfSignificantValueDigits: 3 }),
    requests: 0,
    errors: [],
  };
  const agent = new Agent({ keepAlive: true, maxSockets: users });
  const endAt = performance.now() + seconds * 1_000;
  const progress = setInterval(() => onProgress(result, (endAt - performance.now()) / 1_000), 1_000);
  await Promise.all(Array.from({ length: users }, () => oneUser(url, agent, endAt, result)));
  clearInterval(progress);
  agent.destroy();
  return result;
}

async function oneUser(url, agent, endAt, result) {
  while (performance.now() < endAt) {
    await new Promise((resolve) => setTimeout(resolve, 100 + Math.random() * 400));
    const kind = pick(MIX);
    const startedAt = performance.now();
    try {
      const status = await get(url + pathOf(kind), agent);
      if (status !== 200) result.errors.push(`${kind}: ${status}`);
    } catch (error) {
      result.errors.push(`${kind}: ${error.message}`);
    }
    result.requests++;
    if (kind !== 'stats') result.latency.recordValue(Math.round((performance.now() - startedAt) * 1_000));
  }
}

function pathOf(kind) {
  if (kind === 'product') return `/products/${1 + Math.floor(Math.random() * 100)}`;
  return kind === 'list' ? `/products?category=${pick(CATEGORIES)}&limit=20` : '/cache/stats';
}

function get(url, agent) {
  return new Promise((resolve, reject) => {
    request(url, { agent }, (response) => {
      response.resume();
      response.once('end', () => resolve(response.statusCode));
      response.once('error', reject);
    })
      .once('error', reject)
      .end();
  });
}
