// Caches in front of an origin: Debian's nginx and Varnish, with one worker each. Left out where they are missing.
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

const isThere = (command) => spawnSync(command, ['-V']).error === undefined;

/** Starts what is chosen and installed in front of `origin`; each keeps everything for an hour. */
export async function startProxies(origin, freePort, isChosen) {
  const proxies = [];
  if (isChosen('nginx proxy_cache') && isThere('nginx'))
    proxies.push(await start('nginx proxy_cache', await freePort(), (...at) => nginx(origin, ...at)));
  if (isChosen('Varnish') && isThere('varnishd'))
    proxies.push(await start('Varnish', await freePort(), (...at) => varnish(origin, ...at)));
  return proxies;
}

async function start(name, port, command) {
  const folder = mkdtempSync(join(tmpdir(), 'strata-proxy-'));
  chmodSync(folder, 0o777);
  const child = spawn(...command(port, folder), { stdio: 'ignore' });
  const url = `http://127.0.0.1:${port}`;
  const stop = async () => {
    child.kill();
    await setTimeout(300);
    rmSync(folder, { recursive: true, force: true });
  };
  for (let attempt = 0; attempt < 50; attempt++) {
    if (
      await fetch(`${url}/products/7`).then(
        ({ ok }) => ok,
        () => false,
      )
    )
      return { name, url, pid: child.pid, stop };
    await setTimeout(100);
  }
  await stop();
  throw new Error(`${name} did not answer`);
}

function nginx(origin, port, folder) {
  mkdirSync(join(folder, 'cache'));
  writeFileSync(
    join(folder, 'nginx.conf'),
    `daemon off; worker_processes 1; pid ${folder}/pid; error_log /dev/null;
user root; events { worker_connections 256; }
http {
  access_log off; keepalive_requests 1000000000; proxy_temp_path ${folder}/temp; client_body_temp_path ${folder}/body;
  proxy_cache_path ${folder}/cache keys_zone=all:10m;
  server { listen 127.0.0.1:${port}; location / { proxy_pass ${origin}; proxy_cache all; proxy_cache_valid 200 1h;
    proxy_cache_key $uri$is_args$args$http_accept_encoding; proxy_set_header Accept-Encoding $http_accept_encoding;
    proxy_ignore_headers Cache-Control Vary; } }
}`,
  );
  return ['nginx', ['-p', folder, '-c', join(folder, 'nginx.conf')]];
}

function varnish(origin, port, folder) {
  const { host } = new URL(origin);
  writeFileSync(
    join(folder, 'all.vcl'),
    `vcl 4.1; backend default { .host = "${host.split(':')[0]}"; .port = "${host.split(':')[1]}"; }
sub vcl_backend_response { set beresp.ttl = 1h; unset beresp.http.cache-control; set beresp.uncacheable = false; }`,
  );
  const threads = ['thread_pools=1', 'thread_pool_min=50', 'thread_pool_max=100'].flatMap((one) => ['-p', one]);
  const given = [
    '-F',
    '-n',
    join(folder, 'work'),
    '-a',
    `127.0.0.1:${port}`,
    '-f',
    join(folder, 'all.vcl'),
    ...threads,
  ];
  return ['varnishd', [...given, '-s', 'malloc,64m']];
}
