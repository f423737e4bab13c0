// Makes sure that a Redis server binary is there for the tests: they start servers of their own.
import { spawnSync } from 'node:child_process';

const has = (command) => spawnSync('sh', ['-c', `command -v ${command}`], { stdio: 'ignore' }).status === 0;

export function ensureRedis() {
  if (has('redis-server') || has('valkey-server')) return;
  if (process.getuid?.() === 0 && has('apt-get')) {
    process.stderr.write('No redis-server here: installing the package redis-server with apt-get …\n');
    spawnSync('apt-get', ['update', '-qq'], { stdio: 'ignore' });
    // The package would start a server of its own; the tests need the binary alone.
    spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'redis-server'], {
      stdio: 'ignore',
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' },
    });
    if (has('redis-server')) return;
  }
  process.stderr.write(
    'The tests need a Redis server: install redis-server or valkey-server and put it on the PATH.\n',
  );
  process.exit(1);
}
