import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CacheBackend } from '@strata/cache';
import { findExecutable } from '../../apps/api/src/embedded/find-executable';
import { freePort } from '../../apps/api/src/embedded/free-port';
import { TetheredProcess } from '../../apps/api/src/embedded/tethered-process';
import { eventually } from '../support/eventually';
import { RedisServer } from '../support/redis-server';

it('finds its master through a Sentinel, subscription and lease included', async () => {
  const master = await RedisServer.start();
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'strata-sentinel-'));
  const config = join(folder, 'sentinel.conf');
  writeFileSync(config, `port ${port}\nbind 127.0.0.1\nsentinel monitor main 127.0.0.1 ${master.port} 1\n`);
  chmodSync(config, 0o600);
  const sentinel = TetheredProcess.start({
    command: findExecutable('redis-server', 'valkey-server')!,
    args: [config, '--sentinel'],
    cwd: folder,
    stopSignal: 'TERM',
  });
  const redis = { sentinels: { addresses: [{ host: '127.0.0.1', port }], name: 'main' } };
  const backend = await CacheBackend.create({ redis, redisTimeoutMs: 2_000, leaseMs: 500 });
  await backend.start();
  await eventually(() => backend.redis.connected && backend.strata.state.leaseHeld);
  const cache = backend.cache('test');
  await cache.getOrSet('k', () => 'v');
  await cache.settled();
  cache.clearLocal();
  expect((await cache.fetch('k', () => 'x')).source).toBe('L2');
  await backend.close();
  await sentinel.stop();
  await master.stop();
  rmSync(folder, { recursive: true, force: true });
});
