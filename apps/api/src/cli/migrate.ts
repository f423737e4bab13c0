import { DataSource } from 'typeorm';
import { dataSourceOptions } from '../database/data-source';
import { migrate } from '../database/migrate';
import { runCommand } from './run-command';

void runCommand(async (_config, backing) => {
  const source = await new DataSource(dataSourceOptions({ url: backing.databaseUrl, poolSize: 2 })).initialize();
  try {
    const done = await migrate(source);
    process.stdout.write(done.length === 0 ? 'Nothing to migrate.\n' : `Migrated: ${done.join(', ')}\n`);
  } finally {
    await source.destroy();
  }
});
