import { rmSync } from 'node:fs';
import { dirname } from 'node:path';

export default async function stopPostgres(): Promise<void> {
  const server = globalThis.__postgres;
  if (server === undefined) return;
  await server.stop();
  rmSync(dirname(server.folder), { recursive: true, force: true });
}
