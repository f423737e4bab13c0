import { chmodSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EmbeddedPostgres } from '../../apps/api/src/embedded/embedded-postgres';

declare global {
  var __postgres: { server: EmbeddedPostgres; folder: string } | undefined;
}

/** One PostgreSQL server for a run; each suite makes a database of its own on it. */
export default async function startPostgres(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'strata-test-pg-'));
  // As root the server runs as another user, which must be able to enter.
  chmodSync(folder, 0o755);
  const server = await EmbeddedPostgres.start({
    folder: join(folder, 'postgres'),
    // The data of a test need not survive a power cut.
    settings: { fsync: 'off', full_page_writes: 'off', synchronous_commit: 'off' },
  });
  globalThis.__postgres = { server, folder };
  process.env['TEST_DATABASE_URL'] = server.url;
}
