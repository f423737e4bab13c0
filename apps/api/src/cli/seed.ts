import { parseArgs } from 'node:util';
import { Presets, SingleBar } from 'cli-progress';
import { DataSource } from 'typeorm';
import { dataSourceOptions } from '../database/data-source';
import { migrate } from '../database/migrate';
import { seed } from '../database/seeder';
import { UserError } from '../runtime/user-error';
import { emptyCache } from './empty-cache';
import { runCommand } from './run-command';

const USAGE = 'usage: npm run seed -- [--count 1000] [--reset]';
const MAX_COUNT = 10_000_000;

void runCommand(async (config, backing) => {
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
    // The embedded database belongs to one process at a time: there is no service to tell.
    if (backing.embedded || (added === 0 && !reset)) return;
    const trouble = await emptyCache(config);
    process.stdout.write(trouble === undefined ? 'Emptied the cache.\n' : `${trouble} It empties by DELETE /cache.\n`);
  } finally {
    bar.stop();
    await source.destroy();
  }
});

/** @throws UserError with the usage */
function readArguments(): { count: number; reset: boolean } {
  const { count, reset } = parsed();
  const number = /^\d{1,8}$/.test(count) ? Number(count) : NaN;
  if (!(number >= 1 && number <= MAX_COUNT)) {
    throw new UserError(`--count is a whole number from 1 to ${MAX_COUNT}; ${USAGE}`);
  }
  return { count: number, reset };
}

function parsed(): { count: string; reset: boolean } {
  try {
    return parseArgs({
      options: { count: { type: 'string', default: '1000' }, reset: { type: 'boolean', default: false } },
    }).values;
  } catch (error) {
    throw new UserError(`${(error as Error).message}; ${USAGE}`, { cause: error });
  }
}
