import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { REMOTE } from './contestants.mjs';

const [, , name, port, callers] = process.argv;
const contestant = await REMOTE[name](Number(port));
await contestant.load('warm-up', async () => 1);
process.send('ready');
await once(process, 'message');
let loads = 0;
const load = async () => {
  loads++;
  await setTimeout(50);
  return 1;
};
await Promise.all(Array.from({ length: Number(callers) }, () => contestant.load('cold', load)));
process.send(loads);
// A process that ends before it has stored what it has loaded keeps the others waiting.
await contestant.close();
process.exit(0);
