import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../runtime/user-error';

/** Keeps two processes from running a database on the same folder. A lock of a dead process is void. */
export class FolderLock {
  private constructor(private readonly file: string) {}

  /** @throws Error that names the process in possession */
  static take(folder: string): FolderLock {
    const file = join(folder, 'owner.json');
    const owner = readOwner(file);
    if (owner !== undefined && owner.pid !== process.pid && startedAt(owner.pid) === owner.startedAt) {
      throw new UserError(
        `${folder} is in use by process ${owner.pid}: stop that one, or set DATABASE_URL to run several instances`,
      );
    }
    writeFileSync(file, JSON.stringify({ pid: process.pid, startedAt: startedAt(process.pid) }));
    return new FolderLock(file);
  }

  release(): void {
    rmSync(this.file, { force: true });
  }
}

function readOwner(file: string): { pid: number; startedAt: string } | undefined {
  if (!existsSync(file)) return undefined;
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as { pid: number; startedAt: string };
  } catch {
    return undefined;
  }
}

/** Start time of a process, so that a reused pid is not taken for its former owner; '' when it is gone. */
function startedAt(pid: number): string {
  try {
    process.kill(pid, 0);
  } catch {
    return '';
  }
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')[19]!;
  } catch {
    return 'alive';
  }
}
