// What a writer pays for the acknowledgement of the others: npm run bench:acknowledge
// Each other instance is a process of its own. Median and p99 of an invalidation, in milliseconds.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { build } from 'hdr-histogram-js';
import { strata } from '../peers/contestants.mjs';
import { sleep, startRedis } from '../peers/redis.mjs';

const WRITES = 2_000;
const COUNTS = [1, 3, 8, 16];

if (process.argv[2] === 'member') await beMember(Number(process.argv[3]));
else await main();

async function beMember(port) {
  const { close } = await strata(port);
  process.send('ready');
  process.once('message', () => void close().then(() => process.exit(0)));
}

async function main() {
  const server = await startRedis();
  process.stdout.write(`${WRITES} invalidations of one tag, one after the other\n`);
  process.stdout.write(
    `instances        broadcast   p50    p99     acknowledged   p50    p99     added   p50    p99\n`,
  );
  for (const count of COUNTS) {
    const members = [];
    for (let i = 1; i < count; i++) members.push(await member(server.port));
    const broadcast = await measure(server.port, 'broadcast');
    const acknowledged = await measure(server.port, 'acknowledged');
    const [b50, b99, a50, a99] = [broadcast, acknowledged].flatMap((one) => [one(50), one(99)]);
    const cells = [b50, b99, a50, a99, a50 - b50, a99 - b99].map((ms) => ms.toFixed(2).padStart(6));
    process.stdout.write(
      `${String(count).padStart(9)}                 ${cells[0]} ${cells[1]}                   ${cells[2]} ${cells[3]}            ${cells[4]} ${cells[5]}\n`,
    );
    for (const child of members) {
      child.send('stop');
      await once(child, 'exit');
    }
  }
  await server.stop();
  process.exit(0);
}

async function member(port) {
  const child = fork(fileURLToPath(import.meta.url), ['member', String(port)]);
  await once(child, 'message');
  return child;
}

async function measure(port, coherence) {
  const { instance, close } = await strata(port, { coherence });
  // Until nobody unknown can hold a lease any more, every write waits for that.
  await sleep(5_000);
  const latency = build({ maxValue: 10_000_000, numberOfSignificantValueDigits: 3 });
  for (let i = -200; i < WRITES; i++) {
    const from = performance.now();
    await instance.invalidateTags(['t']);
    if (i >= 0) latency.recordValue(Math.round((performance.now() - from) * 1_000));
  }
  await close();
  return (percentile) => latency.getValueAtPercentile(percentile) / 1_000;
}
