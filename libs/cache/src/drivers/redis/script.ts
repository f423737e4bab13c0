import { createHash } from 'node:crypto';
import { Command, type Redis } from 'ioredis';
import { encodeCommand, type Argument } from './resp';
import * as invalidating from './scripts/invalidating';
import * as loading from './scripts/loading';
import { ALLOW_OOM } from './scripts/parts';
import { READ, READ_BARE, READ_TO_LOAD } from './scripts/reading';

/** A script of the server's: sent as text once on each connection, then by its digest. */
export class Script {
  readonly digest: string;
  private readonly sentOn = new WeakSet<object>();

  constructor(readonly text: string) {
    this.digest = createHash('sha1').update(text).digest('hex');
  }

  /** @param args the number of keys, keys, arguments */
  async run(client: Redis, args: readonly Argument[], answer: 'texts' | 'bytes' = 'texts'): Promise<unknown> {
    const send = (asText: boolean): Promise<unknown> =>
      client.sendCommand(new ScriptCall(this, args, answer, asText)) as Promise<unknown>;
    try {
      return await send(false);
    } catch (error) {
      // Not run: the server has lost it, or was not told of it by a command before. It may lose it again meanwhile.
      if (!isUnknownScript(error)) throw error;
      return send(true);
    }
  }

  /** Whether it is known to the server at the other end, or will be once it has what is sent now. */
  isFirstOn(connection: object): boolean {
    if (this.sentOn.has(connection)) return false;
    this.sentOn.add(connection);
    return true;
  }

  isUnknownTo(connection: object): void {
    this.sentOn.delete(connection);
  }
}

/**
 * ioredis writes a command argument by argument, each of them several times over; for scripts that run for many at once
 * that was a quarter of a stored miss. So the bytes are made here, and it is ioredis that sends them and finds the answer.
 */
class ScriptCall extends Command {
  constructor(
    private readonly script: Script,
    private readonly given: readonly Argument[],
    answer: 'texts' | 'bytes',
    private readonly asText: boolean,
  ) {
    super('evalsha', [script.digest], { replyEncoding: answer === 'texts' ? 'utf8' : null });
  }

  override toWritable(connection: object): string | Buffer {
    const refuse = this.reject;
    this.reject = (error) => {
      if (isUnknownScript(error)) this.script.isUnknownTo(connection);
      refuse(error);
    };
    const { text, digest } = this.script;
    const isFirst = this.script.isFirstOn(connection);
    return isFirst || this.asText
      ? encodeCommand('EVAL', text, this.given)
      : encodeCommand('EVALSHA', digest, this.given);
  }
}

const isUnknownScript = (error: unknown): boolean => error instanceof Error && error.message.startsWith('NOSCRIPT');

/** The scripts of the store. */
export const SCRIPTS = {
  read: new Script(READ),
  readBare: new Script(READ_BARE),
  readToLoad: new Script(READ_TO_LOAD),
  grant: new Script(loading.GRANT),
  fill: new Script(loading.FILL),
  store: new Script(loading.STORE),
  release: new Script(loading.RELEASE),
  removeMember: new Script(invalidating.REMOVE_MEMBER),
  invalidate: new Script(invalidating.INVALIDATE),
  heartbeat: new Script(invalidating.HEARTBEAT),
};

/** The same, for a server that lets flagged scripts run while memory is short. */
export const WITHOUT_MEMORY = {
  ...SCRIPTS,
  invalidate: new Script(ALLOW_OOM + invalidating.INVALIDATE),
  heartbeat: new Script(ALLOW_OOM + invalidating.HEARTBEAT),
};
