import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createDatabase } from '../support/database';
import { eventually } from '../support/eventually';
import { RedisServer } from '../support/redis-server';
import { startService, type Service } from '../support/service';

const PAGE = readFileSync(join(__dirname, '../../docs/reference/metrics.md'), 'utf8');

describe('metrics', () => {
  let redis: RedisServer;
  let database: Awaited<ReturnType<typeof createDatabase>>;
  let service: Service;

  beforeAll(async () => {
    redis = await RedisServer.start();
    database = await createDatabase();
    service = await startService({ database: database.url, redis: redis.url });
    await eventually(() => service.backend.strata.state.leaseHeld);
    // One of everything: load, hit, negative entry, bypass, write, coalesced callers.
    await Promise.all(Array.from({ length: 5 }, () => service.http().get('/products?search=o&limit=100')));
    for (const path of ['/products/1', '/products/1', '/products/999999', '/products/999999'])
      await service.http().get(path);
    await service.http().get('/products/2').set('cache-control', 'no-store');
    await service.http().patch('/products/1').send({ price: 3 }).expect(200);
  });

  afterAll(async () => {
    await service.close();
    await redis.stop();
    await database.drop();
  });

  const scrape = async (): Promise<string> => (await service.http().get('/metrics').expect(200)).text;
  const series = (text: string): string[] => text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));

  it('docs/reference/metrics.md lists exactly what is shown, with types and labels', async () => {
    const text = await scrape();
    const shown = [...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)]
      .filter(([, name]) => !/^(process|nodejs)_/.test(name!))
      .map(([, name, type]) => {
        const sample = series(text).filter((line) => new RegExp(`^${name}(_bucket)?[ {]`).test(line));
        const labels = sample.flatMap((line) => [...line.matchAll(/(\w+)="/g)].map((match) => match[1]!));
        return [
          name,
          type,
          [...new Set(labels)]
            .filter((label) => label !== 'le')
            .sort()
            .join(),
        ];
      });
    const rows = [...PAGE.matchAll(/^\| `(\w+)` \| (\w+) \|([^|]*)\|/gm)].map(([, name, type, labels]) => [
      name,
      type,
      [...labels!.matchAll(/`(\w+)`/g)]
        .map((match) => match[1]!)
        .sort()
        .join(),
    ]);
    const bare = (list: (string | undefined)[][]): unknown => list.map(([name, type]) => [name, type]).sort();
    expect(bare(rows)).toEqual(bare(shown));
    // What has not happened yet has no series, and so no labels to compare.
    const seen = shown.filter(([, , labels]) => labels !== '');
    for (const one of seen) expect(rows).toContainEqual(one);
    expect(seen.length).toBeGreaterThan(14);
  });

  it('tells what has happened', async () => {
    const text = await scrape();
    expect(text).toMatch(/cache_requests_total\{cache="http",tier="L1",result="negative"\} 1/);
    expect(text).toMatch(/^cache_bypassed_total [1-9]/m);
    expect(text).toMatch(/cache_coalesced_total\{cache="http",scope="process"\} [1-9]/);
    expect(text).toMatch(/cache_operation_duration_seconds_count\{cache="http",tier="L2",op="read"\} [1-9]/);
    expect(text).toMatch(/cache_load_duration_seconds_count\{cache="http"\} [1-9]/);
    expect(text).toMatch(/cache_bus_messages_total\{cache="\*",direction="received"\} [1-9]/);
    expect(text).toMatch(/cache_compression_saved_bytes_total\{cache="http"\} [1-9]/);
    expect(text).toMatch(/database_pool_connections\{state="idle"\} [1-9]/);
  });

  it('has no more series with 100 000 products, unknown paths and odd statuses', async () => {
    const odd = async (from: number, step: number): Promise<void> => {
      for (let i = 0; i < 25; i++) {
        await service.http().get(`/products/${from + i * step}`);
        await service.http().get(`/products?search=${from + i}&limit=${1 + i}`);
        await service.http().get(`/nowhere/${from + i}`);
        await service.http().get(`/products/x${from + i}`);
      }
    };
    await odd(1, 1);
    const before = series(await scrape()).length;
    await service.source.query(
      `INSERT INTO products (name, description, price, category) SELECT 'p' || n, '', 1, 'c' || n % 9 FROM generate_series(1, 100000) n`,
    );
    await odd(2_000, 3_900);
    expect(series(await scrape()).length).toBe(before);
  });
});
