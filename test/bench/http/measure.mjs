import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
const [SERVER_CORE, LOAD_CORE] = ['0', '1'];

/** Ties a contestant, with all its processes and threads, to the core of the servers. */
export function pin(pid) {
  for (const one of family(pid)) spawnSync('taskset', ['-a', '-p', '-c', SERVER_CORE, String(one)]);
}

/** One run of wrk: CPU of the contestant a request, requests a second, percentiles in ms. */
export function measure(url, headers, pid, seconds, connections) {
  const before = cpuMicros(pid);
  const printed = load(url, headers, seconds, connections);
  const used = cpuMicros(pid) - before;
  const requests = Number(/(\d+) requests in/.exec(printed)[1]);
  if (/Non-2xx/.test(printed) && !headers.some((header) => header.startsWith('if-none-match')))
    throw new Error(printed);
  const percentile = (p) => {
    const [, value, unit] = new RegExp(`${p}%\\s+([\\d.]+)(us|ms|s)`).exec(printed);
    return Number(value) * { us: 0.001, ms: 1, s: 1_000 }[unit];
  };
  return { cpu: used / requests, perSecond: requests / seconds, p50: percentile(50), p99: percentile(99) };
}

export function load(url, headers, seconds, connections = 32) {
  const given = headers.flatMap((header) => ['-H', header]);
  const wrk = ['wrk', '-t1', `-c${connections}`, `-d${seconds}s`, '--latency', ...given, url];
  return execFileSync('taskset', ['-c', LOAD_CORE, ...wrk], { encoding: 'utf8' });
}

/** User and system time of a process and of its children, all threads. */
function cpuMicros(pid) {
  let ticks = 0;
  for (const one of family(pid)) {
    const fields = readFileSync(`/proc/${one}/stat`, 'utf8').split(') ')[1].split(' ');
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return (ticks / TICKS_PER_SECOND) * 1e6;
}

function family(pid) {
  const tasks = readdirSync(`/proc/${pid}/task`);
  const children = tasks.flatMap(
    (task) => readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').match(/\d+/g) ?? [],
  );
  return [pid, ...children.flatMap((child) => family(child))];
}
