import type { DataSource } from 'typeorm';

/** Name of the advisory lock: any constant, shared by all instances. */
const LOCK = 727_003_114;

/** Runs pending migrations, one instance at a time. Returns the names of those that ran. */
export async function migrate(source: DataSource): Promise<string[]> {
  const runner = source.createQueryRunner('master');
  await runner.connect();
  try {
    await runner.query('SELECT pg_advisory_lock($1)', [LOCK]);
    const done = await source.runMigrations();
    return done.map((migration) => migration.name);
  } finally {
    await runner.query('SELECT pg_advisory_unlock($1)', [LOCK]).catch(() => undefined);
    await runner.release();
  }
}
