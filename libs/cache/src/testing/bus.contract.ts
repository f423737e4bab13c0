import assert from 'node:assert/strict';
import type { Bus } from '../core/ports/bus';
import type { InvalidationMessage, RemoteStore } from '../core/ports/remote-store';
import type { ContractCase } from './remote-store.contract';

/** One instance's end of a fleet: its store, which publishes, and its bus, which hears. */
export interface BusEnd {
  readonly remote: RemoteStore;
  readonly bus: Bus;
}

/** Opens one more end of the same fleet. */
export type OpenEnd = () => Promise<BusEnd>;

const PATIENCE_MS = 5_000;
const ids = { next: 0 };

/** Everything an end has heard, in order, and a way to wait for it. */
class Ear {
  readonly heard: string[] = [];
  private waiting: (() => void)[] = [];

  private constructor(
    readonly member: string,
    readonly end: BusEnd,
  ) {
    end.bus.start(member, {
      subscribed: () => this.note('subscribed'),
      lost: () => this.note('lost'),
      invalidation: ({ tags }: InvalidationMessage) => this.note(`invalidation ${tags.join()}`),
      acknowledged: (id, from) => this.note(`acknowledged ${id} by ${from}`),
      echo: (beat) => this.note(`echo ${beat}`),
    });
  }

  static async open(member: string, open: OpenEnd): Promise<Ear> {
    const ear = new Ear(member, await open());
    await ear.until('subscribed');
    return ear;
  }

  async until(what: string, after = 0): Promise<void> {
    const giveUpAt = Date.now() + PATIENCE_MS;
    while (!this.heard.slice(after).includes(what)) {
      assert.ok(Date.now() < giveUpAt, `${this.member} never heard "${what}", only ${this.heard.join('; ')}`);
      const later = new Promise<void>((resolve) => setTimeout(resolve, 20));
      await Promise.race([later, new Promise<void>((resolve) => this.waiting.push(resolve))]);
    }
  }

  publish(...tags: string[]): Promise<unknown> {
    return this.end.remote.invalidate({ id: `c${ids.next++}`, origin: this.member, mode: 'delete', tags });
  }

  private note(what: string): void {
    this.heard.push(what);
    for (const wake of this.waiting.splice(0)) wake();
  }
}

async function pair(open: OpenEnd): Promise<[Ear, Ear]> {
  return [await Ear.open('a', open), await Ear.open('b', open)];
}

/**
 * What every {@link Bus} must do together with the {@link RemoteStore} that publishes on it. Each case opens
 * the ends it needs: `for (const { name, run } of busContract) it(name, () => run(openEndOfAFreshFleet()))`.
 */
export const busContract: readonly ContractCase<OpenEnd>[] = [
  {
    name: 'confirms the subscription first, then carries an invalidation to everybody, its origin included',
    run: async (open: OpenEnd): Promise<void> => {
      const [a, b] = await pair(open);
      await a.publish('t:x');
      await Promise.all([a.until('invalidation t:x'), b.until('invalidation t:x')]);
      for (const { heard } of [a, b]) assert.equal(heard[0], 'subscribed');
    },
  },
  {
    name: 'carries an echo to its own instance only, after everything that was published before it',
    run: async (open: OpenEnd): Promise<void> => {
      const [a, b] = await pair(open);
      for (let beat = 1; beat <= 20; beat++) {
        await b.publish(`t:${beat}`);
        await a.end.remote.heartbeat('a', beat);
      }
      await a.until('echo 20');
      const told = a.heard.filter((line) => /^(echo|invalidation)/.test(line));
      for (let beat = 1; beat <= 20; beat++) {
        assert.ok(told.indexOf(`invalidation t:${beat}`) < told.indexOf(`echo ${beat}`), `echo ${beat} came too early`);
        assert.ok(told.includes(`invalidation t:${beat}`), `invalidation ${beat} was lost`);
      }
      assert.deepEqual(
        b.heard.filter((line) => line.startsWith('echo')),
        [],
      );
    },
  },
  {
    name: 'carries an acknowledgement to the instance it is meant for, with the name of the sender',
    run: async (open: OpenEnd): Promise<void> => {
      const [a, b] = await pair(open);
      b.end.bus.acknowledge('a', 'i1');
      await a.until('acknowledged i1 by b');
      await b.publish('t:after');
      await b.until('invalidation t:after');
      assert.ok(!b.heard.includes('acknowledged i1 by b'));
    },
  },
  {
    name: 'makes a new subscription when asked to, confirms it before its first message, and then hears again',
    run: async (open: OpenEnd): Promise<void> => {
      const [a, b] = await pair(open);
      const before = b.heard.length;
      b.end.bus.reconnect();
      await b.until('subscribed', before);
      const confirmed = b.heard.length;
      await a.publish('t:new');
      await b.until('invalidation t:new', confirmed);
    },
  },
  {
    name: 'is silent once closed, while the others go on',
    run: async (open: OpenEnd): Promise<void> => {
      const [a, b] = await pair(open);
      await b.end.bus.close();
      const before = b.heard.length;
      await a.publish('t:late');
      await a.until('invalidation t:late');
      assert.deepEqual(b.heard.slice(before), []);
    },
  },
];
