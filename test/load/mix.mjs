import { zipf } from './random.mjs';

const CATEGORIES = ['electronics', 'books', 'clothing', 'food', 'toys'];
/** The workshop's mix: 3 product, 2 list, 1 stats. */
const KINDS = ['product', 'product', 'product', 'list', 'list', 'stats'];

/** What is asked for next: the workshop's mix, ids drawn evenly or by Zipf, and a share of writes. */
export function mixOf({ products, rate, zipf: skew, writes }, random) {
  const pick = (values) => values[Math.floor(random() * values.length)];
  const id = rate === undefined ? () => 1 + Math.floor(random() * products) : zipf(products, skew, random);
  return () => {
    if (writes > 0 && random() < writes) return write(id(), random);
    const kind = pick(KINDS);
    if (kind === 'product') return { kind, isCached: true, method: 'GET', path: `/products/${id()}` };
    if (kind === 'stats') return { kind, isCached: false, method: 'GET', path: '/cache/stats' };
    return { kind, isCached: true, method: 'GET', path: `/products?category=${pick(CATEGORIES)}&limit=20` };
  };
}

function write(id, random) {
  const body = JSON.stringify({ price: Math.floor(random() * 10_000) / 100 });
  return { kind: 'write', isCached: false, method: 'PATCH', path: `/products/${id}`, body };
}
