import type { Redis } from 'ioredis';
import * as invalidating from './scripts/invalidating';
import * as loading from './scripts/loading';
import { ALLOW_OOM } from './scripts/parts';
import { READ, READ_BARE, READ_TO_LOAD } from './scripts/reading';

export type Argument = string | number | Buffer;
export type ScriptName =
  | 'readBuffer'
  | 'readBareBuffer'
  | 'readToLoadBuffer'
  | 'grant'
  | 'fill'
  | 'store'
  | 'invalidate'
  | 'heartbeat'
  | 'removeMember'
  | 'release';
type Script = (...args: Argument[]) => Promise<unknown>;

/** Names the scripts once on each client; ioredis sends their digest, and the text when it is unknown. */
export function defineScripts(client: Redis): void {
  const define = (name: string, lua: string, numberOfKeys?: number): void =>
    client.defineCommand(name, numberOfKeys === undefined ? { lua } : { lua, numberOfKeys });
  define('strataRead', READ);
  define('strataReadBare', READ_BARE);
  define('strataReadToLoad', READ_TO_LOAD);
  define('strataGrant', loading.GRANT);
  define('strataFill', loading.FILL);
  define('strataStore', loading.STORE, 1);
  define('strataRemoveMember', invalidating.REMOVE_MEMBER, 1);
  define('strataRelease', loading.RELEASE);
  for (const [suffix, flags] of [
    ['', ''],
    ['AllowOom', ALLOW_OOM],
  ] as const) {
    define(`strataInvalidate${suffix}`, flags + invalidating.INVALIDATE);
    define(`strataHeartbeat${suffix}`, flags + invalidating.HEARTBEAT, 1);
  }
}

/** A script of {@link defineScripts} on a client; `…Buffer` is one with bytes for an answer. */
export function script(client: Redis, name: ScriptName, allowOom = false): Script {
  const command = `strata${name[0]!.toUpperCase()}${name.slice(1)}${allowOom ? 'AllowOom' : ''}`;
  return (client as unknown as Record<string, Script>)[command]!.bind(client);
}
