import { parseArgs } from 'node:util';

const USAGE = `usage: npm run load -- [options]
  --users 50         closed loop: so many people, each thinking 0.1–0.5 s between requests
  --rate 500         open loop instead: so many requests a second, whatever the answers do
  --duration 30      seconds of each measured phase
  --products 100     ids that are asked for, 1 to this
  --zipf 0.99        skew of the ids in the open loop
  --writes 0.02      share of writes in the open loop (0 with --url unless given)
  --seed 1           of everything that is drawn
  --report FILE      where the report goes (default reports/load.html)
  --url URL          an instance that runs already; alone, without one to compare it with
  --allow-remote     let --url be another machine`;
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;
/** However long and fast somebody asks for. */
const MOST_REQUESTS = 2_000_000;

const OPTIONS = {
  users: { type: 'string' },
  rate: { type: 'string' },
  duration: { type: 'string', default: '30' },
  products: { type: 'string', default: '100' },
  zipf: { type: 'string' },
  writes: { type: 'string' },
  seed: { type: 'string', default: '1' },
  report: { type: 'string', default: 'reports/load.html' },
  url: { type: 'string' },
  'allow-remote': { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
};

/** Reads the command line; ends the process with one line for what a user can mend. */
export function readArguments() {
  try {
    const { values } = parseArgs({ options: OPTIONS });
    if (values.help) {
      process.stdout.write(`${USAGE}\n`);
      process.exit(0);
    }
    return checked(values);
  } catch (error) {
    process.stderr.write(`${error.message}\n${USAGE}\n`);
    process.exit(2);
  }
}

function checked(values) {
  if (values.users !== undefined && values.rate !== undefined) {
    throw new Error('--users is a closed loop and --rate an open one: choose');
  }
  if (values.rate === undefined && (values.writes !== undefined || values.zipf !== undefined)) {
    throw new Error('--writes and --zipf are for the open loop: give --rate too');
  }
  const duration = number('duration', values.duration, 1, 600, true);
  const rate = values.rate === undefined ? undefined : number('rate', values.rate, 1, 20_000, true);
  if (rate !== undefined && rate * duration > MOST_REQUESTS) {
    throw new Error(`--rate times --duration is more than ${MOST_REQUESTS} requests: ask for less`);
  }
  const host = values.url === undefined ? undefined : hostOf(values.url);
  if (host !== undefined && !values['allow-remote'] && !LOOPBACK.test(host)) {
    throw new Error('only this machine is loaded unless you add --allow-remote');
  }
  const writes = values.writes ?? (values.url === undefined ? '0.02' : '0');
  return {
    users: number('users', values.users ?? '50', 1, 1_000, true),
    rate,
    duration,
    products: number('products', values.products, 1, 100_000, true),
    zipf: number('zipf', values.zipf ?? '0.99', 0, 3, false),
    writes: rate === undefined ? 0 : number('writes', writes, 0, 0.5, false),
    seed: number('seed', values.seed, 0, 4_294_967_295, true),
    report: values.report,
    url: values.url?.replace(/\/+$/, ''),
  };
}

function hostOf(url) {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw new Error('--url is an address such as http://127.0.0.1:8000');
  }
  const { hostname, pathname, search } = new URL(url);
  if (pathname !== '/' || search !== '') throw new Error('--url is the address of the service alone, without a path');
  return hostname;
}

function number(name, text, min, max, isWhole) {
  const value = (isWhole ? /^\d{1,10}$/ : /^\d{1,4}(\.\d{1,6})?$/).test(text) ? Number(text) : NaN;
  if (value >= min && value <= max) return value;
  throw new Error(`--${name} is a ${isWhole ? 'whole ' : ''}number from ${min} to ${max}`);
}
