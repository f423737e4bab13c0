import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Histogram {
  readonly totalCount: number;
  readonly minNonZeroValue: number;
  readonly maxValue: number;
}
interface LoadParts {
  Recorder: new () => { requests: number; errorCount: number; latency: Histogram; errors: Map<string, number> };
  Client: new (url: string, connections: number) => { close(): Promise<void> };
  runOpenLoop(run: object): Promise<void>;
  seeded(seed: number): () => number;
  zipf(count: number, skew: number, random: () => number): () => number;
  mixOf(settings: object, random: () => number): () => { kind: string; path: string };
  figuresOf(run: object): { problems: string[] };
}
const part = <K extends keyof LoadParts>(file: string, name: K): LoadParts[K] =>
  jest.requireActual<LoadParts>(`../load/${file}.mjs`)[name];

const Recorder = part('recorder', 'Recorder');
const seeded = part('random', 'seeded');

describe('the load test', () => {
  it('sends in the open loop whatever the answers do, and counts the wait of every request from when it was due', async () => {
    const waiting: ServerResponse[] = [];
    let most = 0;
    // Answers nothing before 40 requests are here: a closed loop of fewer users would wait for ever.
    const server = createServer((_request, response) => {
      waiting.push(response);
      most = Math.max(most, waiting.length);
      if (waiting.length >= 40) for (const held of waiting.splice(0)) held.end('{}');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const rest = setInterval(() => most >= 40 && waiting.splice(0).forEach((held) => held.end('{}')), 5);
    const client = new (part('client', 'Client'))(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, 64);
    const recorder = new Recorder();
    const next = () => ({ kind: 'product', isCached: true, method: 'GET', path: '/' });
    const random = () => 1 - Math.exp(-1);
    await part('open-loop', 'runOpenLoop')({ client, next, recorder, random, rate: 200, seconds: 0.5 });
    clearInterval(rest);
    await client.close();
    server.close();
    expect(most).toBeGreaterThanOrEqual(40);
    expect(recorder.requests).toBe(99);
    expect(recorder.errorCount).toBe(0);
    // One every 5 ms: the first waited for 39 more, 195 ms of a schedule that the answers did not move.
    expect(recorder.latency.maxValue).toBeGreaterThanOrEqual(190_000);
  });

  it('counts every answer other than 200, and every broken connection, as an error with a name', async () => {
    const server = createServer((request, response) => {
      if (request.url === '/broken') return request.socket.destroy();
      response.writeHead(503).end();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = new (part('client', 'Client'))(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, 2);
    const recorder = new Recorder();
    let count = 0;
    const next = () => ({ kind: 'list', isCached: true, method: 'GET', path: count++ % 2 === 0 ? '/' : '/broken' });
    await part('open-loop', 'runOpenLoop')({ client, next, recorder, random: () => 0.5, rate: 100, seconds: 0.1 });
    await client.close();
    server.close();
    expect([...recorder.errors.keys()].sort()).toEqual(['list: UND_ERR_SOCKET', 'list: status 503']);
    expect(recorder.errorCount).toBe(recorder.requests);
  });

  it('counts what could not be sent as an error, and not as a latency of nothing', async () => {
    const recorder = new Recorder();
    let release: () => void = () => undefined;
    const held = new Promise<undefined>((resolve) => (release = () => resolve(undefined)));
    let due = 0;
    // Answers nothing before thousands more are due than may be under way.
    const next = () => {
      if (++due === 10_000) release();
      return { kind: 'product', isCached: true, method: 'GET', path: '/' };
    };
    const client = { send: () => held };
    const runOpenLoop = part('open-loop', 'runOpenLoop');
    await runOpenLoop({ client, next, recorder, random: () => 0.999, rate: 1e7, seconds: 0.01 });
    expect(recorder.requests).toBe(due);
    expect(recorder.errorCount).toBeGreaterThan(1_000);
    expect([...recorder.errors.keys()]).toEqual(['product: not sent, too many wait']);
    expect(recorder.latency.totalCount).toBe(recorder.requests - recorder.errorCount);
  });

  it('says in one line that nothing answers at --url', () => {
    const command = ['test/load/load.mjs', '--url', 'http://127.0.0.1:9', '--report', '/tmp/strata-load-none.html'];
    const { status, stderr } = spawnSync(process.execPath, command, { encoding: 'utf8' });
    expect(stderr).toMatch(/^no Strata service answers at http:\/\/127\.0\.0\.1:9: .+\n$/);
    expect(status).toBe(2);
  });

  it('draws ids by Zipf: half of 1 000 ranks of skew 1 fall on the first few, and all are possible', () => {
    const draw = part('random', 'zipf')(1_000, 1, seeded(7));
    const counts = new Map<number, number>();
    for (let n = 0; n < 50_000; n++) {
      const rank = draw();
      counts.set(rank, (counts.get(rank) ?? 0) + 1);
    }
    // Harmonic number of 1 000: 7.485; the share of rank 1 is its inverse.
    expect(counts.get(1)! / 50_000).toBeCloseTo(1 / 7.485, 2);
    expect(counts.get(1)! / counts.get(10)!).toBeGreaterThan(7);
    expect(Math.min(...counts.keys())).toBe(1);
    expect(Math.max(...counts.keys())).toBeGreaterThan(990);
    expect(Math.max(...counts.keys())).toBeLessThanOrEqual(1_000);
  });

  it('asks in the mix of the workshop, the same for the same seed', () => {
    const settings = { products: 100, rate: undefined, zipf: 0, writes: 0 };
    const asked = (seed: number) => Array.from({ length: 6_000 }, part('mix', 'mixOf')(settings, seeded(seed)));
    const kinds = asked(3).map(({ kind }) => kind);
    const share = (kind: string) => kinds.filter((one) => one === kind).length / kinds.length;
    expect(share('product')).toBeCloseTo(3 / 6, 1);
    expect(share('list')).toBeCloseTo(2 / 6, 1);
    expect(share('stats')).toBeCloseTo(1 / 6, 1);
    expect(asked(3)).toEqual(asked(3));
    expect(asked(3)).not.toEqual(asked(4));
  });

  it.each([
    ['a hit rate of 90 %', { hitRate: 0.9, on: 10, off: 100, errors: 0 }, /hit rate is 90.00 %/],
    ['a mean that is cut to half', { hitRate: 0.95, on: 50, off: 100, errors: 0 }, /cut to 50.00 %/],
    ['one error', { hitRate: 0.95, on: 10, off: 100, errors: 1 }, /cache on: 1 errors: boom \(1 times\)/],
    ['a phase without any request', { hitRate: 0, on: NaN, off: NaN, errors: 0 }, /hit rate/],
  ])('fails at %s', (_what, { hitRate, on, off, errors }, expected) => {
    const recorder = (mean: number, count: number) => ({
      latency: { mean },
      errorCount: count,
      errors: new Map(count > 0 ? [['boom', count]] : []),
    });
    const phases = [
      { name: 'cache on', recorder: recorder(on, errors) },
      { name: 'cache off', recorder: recorder(off, 0) },
    ];
    const { problems } = part('summary', 'figuresOf')({ settings: {}, phases, tiers: { total: { hitRate } } });
    expect(problems.join('\n')).toMatch(expected);
  });

  it.each([
    [['--users', '0'], '--users is a whole number from 1 to 1000'],
    [['--users', '5', '--rate', '5'], '--users is a closed loop and --rate an open one: choose'],
    [['--rate', '20000', '--duration', '600'], 'more than 2000000 requests'],
    [['--url', 'http://example.com'], 'only this machine is loaded unless you add --allow-remote'],
    [['--url', 'localhost:8000'], '--url is an address such as'],
    [['--url', 'http://127.0.0.1:8000/products'], '--url is the address of the service alone'],
    [['--users', '5', '--writes', '0.1'], '--writes and --zipf are for the open loop'],
    [['--writes', 'many', '--rate', '5'], '--writes is a number from 0 to 0.5'],
    [['--nonsense'], "Unknown option '--nonsense'"],
  ])('refuses %j in words, with 2', (given, expected) => {
    const { status, stderr } = spawnSync(process.execPath, ['test/load/load.mjs', ...given], { encoding: 'utf8' });
    expect(stderr).toContain(expected);
    expect(stderr).toContain('usage: npm run load');
    expect(status).toBe(2);
  });
});
