import { loadConfig, type Config } from '../config/config';
import { chooseBacking, type Backing } from '../runtime/backing';
import { explainFailure } from '../runtime/explain-failure';

/** Runs a command on the configured database, or on the embedded one, and ends the process. */
export async function runCommand(command: (config: Config, backing: Backing) => Promise<void>): Promise<void> {
  let config: Config | undefined;
  let backing: Backing | undefined;
  try {
    config = loadConfig();
    // A command needs no cache, so no Redis is started for it.
    backing = await chooseBacking({ ...config, CACHE_ENABLED: false });
    await command(config, backing);
  } catch (error) {
    process.stderr.write(`${explainFailure(error, config) ?? (error as Error).stack ?? String(error)}\n`);
    process.exitCode = 1;
  } finally {
    await backing?.stop();
  }
}
