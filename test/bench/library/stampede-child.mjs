import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { strata } from '../../peers/contestants.mjs';

const { cache, close } = await strata(Number(process.argv[2]));
process.send('ready');
await once(process, 'message');
let loads = 0;
const load = async () => {
  loads++;
  await setTimeout(50);
  return 1;
};
await Promise.all(Array.from({ length: 250 }, () => cache.getOrSet('cold', load)));
process.send(loads);
await close();
process.exit(0);
