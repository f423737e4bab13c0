import { createDatabase } from '../support/database';
import { startService, type Service } from '../support/service';
import { TcpProxy } from '../support/tcp-proxy';

describe('while the database cannot be reached', () => {
  let database: Awaited<ReturnType<typeof createDatabase>>;
  let proxy: TcpProxy;
  let service: Service;

  beforeAll(async () => {
    database = await createDatabase();
    const url = new URL(database.url);
    proxy = await TcpProxy.start(Number(url.port));
    url.port = new URL(proxy.url).port;
    service = await startService({ database: url.href, env: { WRITE_RATE_LIMIT: '0', LOG_LEVEL: 'fatal' } });
  });

  afterAll(async () => {
    await service.close();
    await database.drop();
  });

  it('what is cached is served, and all else says so with 503', async () => {
    await service.http().get('/products/1').expect(200);
    await proxy.stop();
    const hit = await service.http().get('/products/1').expect(200);
    expect(hit.headers['cache-status']).toContain('hit');
    const refused = [
      await service.http().get('/products/2'),
      await service.http().get('/products?category=books'),
      await service.http().patch('/products/1').send({ price: 2 }),
    ];
    for (const { status, headers, body } of refused) {
      expect([status, headers['retry-after']]).toEqual([503, '5']);
      expect((body as { detail: string }).detail).toContain('The database cannot be reached');
    }
  });
});
