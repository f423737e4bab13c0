import { rmSync } from 'node:fs';

export default async function stopPostgres(): Promise<void> {
  const running = globalThis.__postgres;
  if (running === undefined) return;
  await running.server.stop();
  for (const folder of [running.server.folder, running.folder]) rmSync(folder, { recursive: true, force: true });
}
