import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createDatabase } from '../support/database';
import { RedisServer } from '../support/redis-server';
import { ServiceProcess } from '../support/service-process';

const CLI = join(__dirname, '../../dist/apps/api/src/cli');

describe('npm run seed beside a service that runs', () => {
  let database: Awaited<ReturnType<typeof createDatabase>>;
  let redis: RedisServer;
  let service: ServiceProcess;
  let env: Record<string, string>;

  const command = async (entry: string, ...args: string[]): Promise<string> => {
    const options = { env: { PATH: process.env['PATH']!, ...env } };
    return (await promisify(execFile)(process.execPath, [join(CLI, entry), ...args], options)).stdout;
  };
  const seen = async () => {
    const paths = ['/products', '/products/25'];
    const [list, one] = await Promise.all(paths.map((path) => fetch(service.url + path)));
    return [list!.headers.get('x-total-count'), one!.status];
  };

  beforeAll(async () => {
    [database, redis] = [await createDatabase(), await RedisServer.start()];
    env = { DATABASE_URL: database.url, REDIS_URL: redis.url };
    await command('migrate.js');
    await command('seed.js', '--count', '20');
    service = await ServiceProcess.start(env);
  });

  afterAll(async () => {
    await service.stop();
    await redis.stop();
    await database.drop();
  });

  it('leaves nobody with what was there before', async () => {
    expect(await seen()).toEqual(['20', 404]);
    expect(await seen()).toEqual(['20', 404]);
    expect(await command('seed.js', '--count', '30')).toMatch(/Added 10\.\s+Emptied the cache/);
    expect(await seen()).toEqual(['30', 200]);
  });

  it('empties nothing when it has added nothing', async () => {
    expect(await command('seed.js', '--count', '10')).toMatch(/Nothing to add[^\n]*\s*$/);
  });

  it('says so where it cannot: without Redis, and while Redis is away', async () => {
    await redis.kill();
    expect(await command('seed.js', '--count', '40')).toMatch(/Redis is away .* DELETE \/cache/);
    delete env['REDIS_URL'];
    expect(await command('seed.js', '--count', '50')).toMatch(/No Redis is configured.* DELETE \/cache/);
  });
});
