import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { EmbeddedPostgres } from '../../apps/api/src/embedded/embedded-postgres';

declare global {
  var __postgres: EmbeddedPostgres | undefined;
}

/** One PostgreSQL server for a run; each suite makes a database of its own on it. */
export default async function startPostgres(): Promise<void> {
  const folder = mkdtempSync(join('/var/tmp', 'strata-test-pg-'));
  globalThis.__postgres = await EmbeddedPostgres.start({
    folder: join(folder, 'postgres'),
    // The data of a test need not survive a power cut.
    settings: { fsync: 'off', full_page_writes: 'off', synchronous_commit: 'off' },
  });
  process.env['TEST_DATABASE_URL'] = globalThis.__postgres.url;
}
