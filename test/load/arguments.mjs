import { parseArgs } from 'node:util';

const USAGE = 'usage: npm run load -- [--users 50] [--duration 30] [--url http://127.0.0.1:8000]';
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/** Reads the command line; ends the process with one line for what a user can mend. */
export function readArguments() {
  try {
    const { values } = parseArgs({
      options: {
        users: { type: 'string', default: '50' },
        duration: { type: 'string', default: '30' },
        url: { type: 'string' },
        'allow-remote': { type: 'boolean', default: false },
      },
    });
    const users = whole('users', values.users, 1, 1_000);
    const duration = whole('duration', values.duration, 1, 600);
    if (values.url !== undefined && !values['allow-remote'] && !LOOPBACK.test(new URL(values.url).hostname)) {
      throw new Error('only this machine is loaded unless you add --allow-remote');
    }
    return { users, duration, url: values.url };
  } catch (error) {
    process.stderr.write(`${error.message}; ${USAGE}\n`);
    process.exit(2);
  }
}

function whole(name, text, min, max) {
  const value = /^\d{1,6}$/.test(text) ? Number(text) : NaN;
  if (value >= min && value <= max) return value;
  throw new Error(`--${name} is a whole number from ${min} to ${max}`);
}
