import { parseArgs } from 'node:util';
import { Presets, SingleBar } from 'cli-progress';
import { DataSource } from 'typeorm';
import { dataSourceOptions } from '../database/data-source';
import { migrate } from '../database/migrate';
import { seed } from '../database/seeder';
import { runCommand } from './run-command';

const USAGE = 'usage: npm run seed -- [--count 1000] [--reset]';
const MAX_COUNT = 10_000_000;

void runCommand(async (_config, backing) => {
  const { count, reset } = readArguments();
  const source = await new DataSource(dataSourceOptions({ url: backing.databaseUrl, poolSize: 2 })).initialize();
  const bar = new SingleBar({ format: '{bar} {value}/{total} products' }, Presets.shades_classic);
  try {
    if (backing.embedded) await migrate(source);
    const onProgress = (done: number, total: number): void => {
      if (done === 0) bar.start(total, 0);
      else bar.update(done);
    };
    const added = await seed(source, { count, reset, onProgress });
    bar.stop();
    process.stdout.write(added === 0 ? 'Nothing to add: the table holds as many already.\n' : `Added ${added}.\n`);
  } finally {
    bar.stop();
    await source.destroy();
  }
});

/** @throws Error with the usage, for arguments a user can mend */
function readArguments(): { count: number; reset: boolean } {
  const { values } = parseArgs({
    options: { count: { type: 'string', default: '1000' }, reset: { type: 'boolean', default: false } },
  });
  const count = /^\d{1,8}$/.test(values.count) ? Number(values.count) : NaN;
  if (!(count >= 1 && count <= MAX_COUNT)) throw new RangeError(`--count is a number from 1 to ${MAX_COUNT}; ${USAGE}`);
  return { count, reset: values.reset };
}
