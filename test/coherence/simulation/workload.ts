import type { Fleet, Instance } from './fleet';
import { TIMEOUT_MS } from './fleet';
import type { Floors, Judge, Seen } from '../judge';
import { LEASE_MS, type Profile } from './profiles';
import type { World } from './world';

const READ_KEYS = ['x', 'y', 'z', 'w', 'list'] as const;
type ReadKey = (typeof READ_KEYS)[number];

/** Tags that a reader of a key declares; `list` learns `y` while it loads. */
const DECLARED: Readonly<Record<ReadKey, readonly string[]>> = { x: ['x'], y: ['y'], z: [], w: ['w'], list: ['x'] };

/** Longest that a write of `w` spends at the database. */
const PUT_MS = 4;

class LoadFailed extends Error {}

/** The database, and everybody who reads and writes through the cache. */
export class Workload {
  static readonly KEYS = ['x', 'y', 'z', 'w'] as const;
  /** Hardly any writes: what L1 holds then should be served. */
  calm = false;
  /** From then on nothing goes wrong any more. */
  restsFrom = Infinity;
  /** From then on a write must not have to wait for anybody: one has, and who was silent is forgotten. */
  private forgottenFrom = Infinity;
  /** No operation begins any more. */
  over = false;
  readonly committed: Record<string, number> = { x: 0, y: 0, z: 0, w: 0 };
  /** Operations that have begun and not ended, with their start; those of dead processes never end. */
  readonly open = new Map<object, { since: number; what: string; instance: Instance }>();
  /** The writer of `z` is alone: two concurrent `set` of one key have no order that a cache could know. */
  private writingZ: Instance | undefined;

  constructor(
    private readonly world: World,
    private readonly fleet: Fleet,
    private readonly judge: Judge,
    private readonly profile: Profile,
  ) {}

  begin(): void {
    const { random } = this.world;
    this.world.after(random.between(0, 2 * this.profile.every), () => {
      if (this.over) return;
      const instance = this.fleet.any();
      if (random.chance(this.calm ? 0.03 : 0.15)) this.write(instance);
      // A batch does not tell which of its values were served without Redis.
      else if (random.chance(0.06) && this.profile.maxStaleMs === 0) this.readMany(instance);
      else this.read(instance, random.pick(READ_KEYS));
      this.begin();
    });
  }

  private read(instance: Instance, key: ReadKey): void {
    const { random } = this.world;
    const tags = this.profile.rolling && random.chance(0.5) ? [] : DECLARED[key];
    const only = random.chance(0.1);
    this.operation(instance, only ? `get ${key}` : `read ${key}`, async (floors, what) => {
      const load = this.loader(instance, key);
      const { cache } = instance;
      const { value: seen, stale } = await (only ? cache.inquire(key, { tags }) : cache.fetch(key, load, { tags }));
      if (seen === undefined || instance.host.dead) return;
      this.judge.readEnds(seen, floors, what, this.committed, stale === 'disconnected');
    });
  }

  private readMany(instance: Instance): void {
    this.operation(instance, 'read many', async (floors, what) => {
      const load = async (keys: readonly string[]): Promise<Map<string, Seen>> => {
        await this.sleep(instance, this.profile.loadMs / 2);
        const found = new Map(keys.map((key) => [key, this.select(key)]));
        await this.sleep(instance, this.profile.loadMs / 2);
        return found;
      };
      const all = await instance.cache.getOrSetMany([...Workload.KEYS], load, { tags: [...Workload.KEYS] });
      if (instance.host.dead) return;
      for (const seen of all.values()) this.judge.readEnds(seen, floors, what, this.committed);
    });
  }

  private write(instance: Instance): void {
    const { random } = this.world;
    const key = random.pick(Workload.KEYS);
    if (key === 'w' && random.chance(0.7)) return this.put(instance);
    if (key === 'z' && this.writingZ !== undefined && !this.writingZ.host.dead) return;
    if (key === 'z') this.writingZ = instance;
    const mode = random.chance(0.2) && !this.profile.failingLoads ? 'expire' : 'delete';
    this.operation(instance, `write ${key}`, async () => {
      await this.sleep(instance, 2);
      const version = ++this.committed[key]!;
      const { clock, strata, cache } = instance;
      const [from, begun] = [clock.monotonic(), this.world.now];
      const result = await (key === 'z'
        ? cache.set('z', { z: version }, { tags: ['z'] })
        : strata.invalidateTags([key], { mode }));
      if (instance.host.dead) return;
      if (key === 'z') this.writingZ = undefined;
      this.judge.writeEnds(key, version, result.deferred, instance.incarnation);
      if (!this.wasFrozenSince(instance, begun)) this.judgeWait(key, clock.monotonic() - from, begun);
      if (begun > this.restsFrom && !result.deferred)
        this.forgottenFrom = Math.min(this.forgottenFrom, this.world.now + 20);
    });
  }

  /** Any number of writers at a time, each with what it has written itself: the database alone orders them. */
  private put(instance: Instance): void {
    this.operation(instance, 'put w', async () => {
      const { clock, cache } = instance;
      const [from, begun] = [clock.monotonic(), this.world.now];
      const produce = async (): Promise<Seen> => {
        await this.sleep(instance, this.world.random.between(0, PUT_MS / 2));
        const version = ++this.committed['w']!;
        await this.sleep(instance, this.world.random.between(0, PUT_MS / 2));
        return { w: version };
      };
      const { value, deferred } = await cache.put('w', produce, { tags: ['w'] });
      if (instance.host.dead) return;
      this.judge.writeEnds('w', value['w']!, deferred, instance.incarnation);
      if (!this.wasFrozenSince(instance, begun)) this.judgeWait('w', clock.monotonic() - from - PUT_MS, begun);
    });
  }

  /** C2: one deadline of the driver for each command, and one lease for who stays silent. */
  private judgeWait(key: string, waited: number, begun: number): void {
    const commands = { x: 1, y: 1, z: 2, w: 3 }[key] ?? 1;
    // The first write in the calm may still wait for who has died before; after it nobody is waited for.
    const silent = begun > this.forgottenFrom ? 0 : LEASE_MS;
    const longest = silent + commands * (1.5 * TIMEOUT_MS + 2);
    if (waited > longest) {
      this.judge.blame('C2', `a write of ${key} waited ${waited.toFixed(1)} of at most ${longest} ms`);
    }
  }

  /** A writer that was frozen itself has not waited for others. */
  private wasFrozenSince({ host }: Instance, begun: number): boolean {
    return (this.thawedAt.get(host) ?? -Infinity) >= begun;
  }

  readonly thawedAt = new Map<object, number>();

  private loader(instance: Instance, key: ReadKey) {
    return async ({ addTags }: { addTags(...tags: string[]): void }): Promise<Seen> => {
      const { random } = this.world;
      const whole = random.between(0.1, this.profile.loadMs);
      const first = random.between(0, whole);
      await this.sleep(instance, first);
      const seen = this.select(key);
      await this.sleep(instance, whole - first);
      if (this.profile.failingLoads && random.chance(0.2)) throw new LoadFailed();
      if (key === 'list') addTags('y');
      else if (this.profile.rolling || key === 'z') addTags(key);
      if (key === 'list' && this.profile.rolling) addTags('x');
      return seen;
    };
  }

  private select(key: string): Seen {
    const { x, y } = this.committed as { x: number; y: number };
    return key === 'list' ? { x, y } : { [key]: this.committed[key]! };
  }

  private sleep({ host }: Instance, ms: number): Promise<void> {
    return new Promise((resolve) => void this.world.after(ms, resolve, host));
  }

  /** A request on its way to `instance`: its floors are taken when the client sends it. */
  private operation(instance: Instance, what: string, run: (floors: Floors, what: string) => Promise<void>): void {
    const id = {};
    const floors = this.judge.readBegins(instance.incarnation);
    this.open.set(id, { since: this.world.now, what, instance });
    const told = `${what} at process ${instance.incarnation}`;
    const done = (): void => void this.open.delete(id);
    const failed = (error: unknown): void => {
      done();
      if (!(error instanceof LoadFailed)) throw error;
    };
    this.world.after(
      this.world.random.between(0.05, 0.5),
      () => void run(floors, told).then(done, failed),
      instance.host,
    );
  }
}
