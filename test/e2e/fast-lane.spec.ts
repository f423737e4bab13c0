import { FastLane } from '@strata/cache';
import { createDatabase } from '../support/database';
import { startService, type Service } from '../support/service';

/** What the pipes refuse, after what they take. */
const REFUSED = [
  '/products/0',
  '/products/07',
  '/products/1.0',
  '/products/1e3',
  '/products/%31',
  '/products/2147483648',
  '/products?limit=0',
  '/products?limit=20&limit=20',
  '/products?limit[]=20',
  '/products?unknown=1',
  '/products?category=Books',
  '/products?search=',
  '/products?minPrice=x',
];

describe('the service with and without the fast lane', () => {
  let database: Awaited<ReturnType<typeof createDatabase>>;

  beforeAll(async () => {
    database = await createDatabase();
  });

  afterAll(() => database.drop());

  async function withService<R>(lane: boolean, use: (service: Service) => Promise<R>): Promise<R> {
    const service = await startService({ database: database.url, env: { CACHE_FAST_LANE: String(lane) } });
    return use(service).finally(() => service.close());
  }

  /** Statuses, ids, and what metrics and statistics say of the same requests. */
  async function visit(service: Service) {
    const counted = /^(http_request_duration_seconds_count|cache_requests_total|cache_bypassed_total)/;
    const scrape = async (): Promise<Map<string, number>> => {
      const { text } = await service.http().get('/metrics').expect(200);
      const lines = text.split('\n').filter((line) => counted.test(line) && !line.includes('"/metrics"'));
      return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]));
    };
    const before = await scrape();
    const answers: (readonly [
      path: string,
      id: unknown,
      status: number,
      etag: unknown,
      link: unknown,
      text: string,
    ])[] = [];
    for (const path of ['/products/7', '/products?category=books&limit=5', ...REFUSED, '/products/999999'])
      for (let round = 0; round < 4; round++) {
        const { status, headers, text } = await service.http().get(path).set('x-request-id', `r${round}`);
        const { etag, link } = headers;
        answers.push([path, headers['x-request-id'], status, etag, link, status === 200 ? text : '']);
      }
    const after = await scrape();
    const grown = [...after].map(([name, value]) => [name, value - (before.get(name) ?? 0)] as const);
    const { body } = await service.http().get('/cache/stats').expect(200);
    const { totalRequests, cacheHits, cacheMisses } = body as Record<string, number>;
    const counts = grown.filter(([, growth]) => growth !== 0).sort(([a], [b]) => (a < b ? -1 : 1));
    return { answers, counts, stats: { totalRequests, cacheHits, cacheMisses } };
  }

  it('answers, counts and numbers requests the same, and refuses what the pipes refuse', async () => {
    const [used, there] = await withService(true, async (service) => {
      const seen = await visit(service);
      return [service.app.get(FastLane).usage.answers, seen] as const;
    });
    const away = await withService(false, visit);
    expect(used).toBe(6);
    expect(there).toEqual(away);
    const statuses = there.answers.map(([path, , status]) => [path, status] as const);
    for (const [path, status] of statuses)
      if (REFUSED.includes(path) && path !== '/products/%31') expect(status).toBe(400);
    expect(there.stats).toMatchObject({ totalRequests: 16, cacheHits: 12, cacheMisses: 4 });
  });
});
