import { administer, createDatabase } from '../support/database';
import { inflictFaults } from './history/faults';
import { ServiceFleet, type Member } from './history/service-fleet';
import { Judge, type Floors, type Seen } from './judge';

const INSTANCES = Number(process.env['COHERENCE_INSTANCES'] ?? 3);
const SECONDS = Number(process.env['COHERENCE_SECONDS'] ?? 25);
const PRODUCTS = 20;
const READERS = 8 * INSTANCES;
const WRITERS = 4;
const KEYS = Array.from({ length: PRODUCTS }, (_, i) => `p${i + 1}`);

/** `version` is raised by each write; the database shows it as the time of the last change, in seconds. */
const SHOW_VERSIONS = `
  CREATE FUNCTION show_version() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN NEW.updated_at := to_timestamp(NEW.version); RETURN NEW; END $$;
  CREATE TRIGGER show_version BEFORE INSERT OR UPDATE ON products FOR EACH ROW EXECUTE FUNCTION show_version();
  INSERT INTO products (name, price, category) SELECT 'p' || i, 0, 'books' FROM generate_series(1, ${PRODUCTS}) i`;

interface Product {
  readonly id: number;
  readonly updatedAt: string;
}

const versionsOf = (products: readonly Product[]): Seen =>
  Object.fromEntries(products.map(({ id, updatedAt }) => [`p${id}`, Date.parse(updatedAt) / 1_000]));

/** Real processes, real Redis, real PostgreSQL, real faults; every read is judged by the versions in it. */
describe('history of a fleet under faults', () => {
  let fleet: ServiceFleet;
  let database: Awaited<ReturnType<typeof createDatabase>>;
  const judge = new Judge(() => performance.now(), KEYS);
  let stopped = false;
  let versionsJudged = 0;
  let prices = 0;
  let unanswered = 0;

  beforeAll(async () => {
    database = await createDatabase();
    fleet = await ServiceFleet.start(INSTANCES, database.url);
    await administer(database.url, SHOW_VERSIONS);
  }, 60_000);

  afterAll(async () => {
    await fleet.stop();
    await database.drop();
  });

  /** One request at a time, until it is over. A process that was killed answers nothing, and promised nothing. */
  async function client(act: (member: Member) => Promise<void>, place: number, rest: number): Promise<void> {
    while (!stopped) {
      // Readers keep to a place, so that a frozen process does not collect them all.
      const member = fleet.members[place % fleet.members.length];
      if (member === undefined) await pause(10);
      else {
        await act(member).catch((error: NodeJS.ErrnoException) => {
          if (!/ECONNRE|aborted|socket hang up|EPIPE/.test(`${error.code} ${error.message}`)) throw error;
          unanswered++;
        });
      }
      await pause(Math.random() * rest);
    }
  }

  async function write(member: Member): Promise<void> {
    const id = 1 + Math.floor(Math.random() * PRODUCTS);
    const { status, deferred, body } = await fleet.send(member, 'PATCH', `/products/${id}`, {
      price: ++prices % 9_000,
    });
    if (status !== 200) throw new Error(`write: ${status} ${body}`);
    const [[key, version]] = Object.entries(versionsOf([JSON.parse(body)])) as [[string, number]];
    judge.writeEnds(key, version, deferred, member.incarnation);
  }

  async function read(member: Member): Promise<void> {
    const one = 1 + Math.floor(Math.random() * PRODUCTS);
    const list = Math.random() < 0.3;
    const floors: Floors = judge.readBegins(member.incarnation, list ? KEYS : [`p${one}`]);
    const path = list ? `/products?category=books&limit=${PRODUCTS}` : `/products/${one}`;
    const { status, body, cacheStatus } = await fleet.send(member, 'GET', path);
    if (status !== 200) throw new Error(`read: ${status} ${body}`);
    const seen = versionsOf([JSON.parse(body)].flat());
    versionsJudged += Object.keys(seen).length;
    judge.readEnds(seen, floors, `${path} (${cacheStatus}) at process ${member.incarnation}`);
  }

  it('no read on any instance is older than the last finished write', async () => {
    const clients = [
      ...Array.from({ length: WRITERS }, (_, i) => client(write, i, 40)),
      ...Array.from({ length: READERS }, (_, i) => client(read, i, 0)),
    ];
    const faults = inflictFaults(fleet, () => stopped);
    await Promise.race([pause(SECONDS * 1_000), Promise.all(clients)]).finally(() => (stopped = true));
    await Promise.all(clients);
    const { reads, writes, deferred, wentBack, violations } = judge;
    const figures = { reads, versionsJudged, writes, deferred, unanswered, wentBack, violations: violations.length };
    process.stdout.write(`${JSON.stringify({ ...figures, faults: await faults })}\n`);
    for (const violation of violations.slice(0, 10)) process.stdout.write(`${JSON.stringify(violation)}\n`);
    expect(violations.slice(0, 3)).toEqual([]);
    expect(reads).toBeGreaterThan(SECONDS * 20);
    expect(writes - deferred).toBeGreaterThan(SECONDS);
    expect(Object.keys(await faults).length).toBeGreaterThan(8);
    await noReadWasOfTheFuture();
  });

  /** What was read is in the database: no version that was never committed. */
  async function noReadWasOfTheFuture(): Promise<void> {
    const { body } = await fleet.send(fleet.any(), 'GET', `/products?category=books&limit=${PRODUCTS}&sort=name`);
    const last = versionsOf(JSON.parse(body));
    const seen = judge.readBegins(-1).seen;
    for (const key of KEYS) expect([key, seen[key]! <= last[key]!]).toEqual([key, true]);
  }
});

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
