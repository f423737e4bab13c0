// Makes sure that the servers which tests start by themselves are installed: Redis, Prometheus, nginx.
import { spawnSync } from 'node:child_process';

const has = (command) => spawnSync('sh', ['-c', `command -v ${command}`], { stdio: 'ignore' }).status === 0;

/** Debian keeps servers where only root looks. */
process.env.PATH = `${process.env.PATH}:/usr/sbin`;

export function ensureRedis() {
  ensure('redis-server', 'redis-server', 'install redis-server or valkey-server', ['valkey-server']);
}

export function ensurePrometheus() {
  ensure('promtool', 'prometheus', 'install prometheus (with promtool)');
}

export function ensureNginx() {
  ensure('nginx', 'nginx-light', 'install nginx');
}

function ensure(command, debianPackage, advice, alternatives = []) {
  if ([command, ...alternatives].some(has)) return;
  if (process.getuid?.() === 0 && has('apt-get')) {
    process.stderr.write(`No ${command} here: installing the package ${debianPackage} with apt-get …\n`);
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
    spawnSync('apt-get', ['update', '-qq'], { stdio: 'ignore', env });
    // The package would start a server of its own; the tests need the binary alone.
    spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', debianPackage], { stdio: 'ignore', env });
    if (has(command)) return;
  }
  process.stderr.write(`The tests need ${command}: ${advice} and put it on the PATH.\n`);
  process.exit(1);
}
