import fc from 'fast-check';
import { FakeClock } from '../../testing';
import { AckWait } from './ack-wait';
import { CoherenceState } from './coherence-state';
import { TagTable } from './tag-table';
import { userTag } from './tags';

const EPOCH = 'aaaaaaaaaaaaaaaa';

describe('TagTable', () => {
  it('judges a value by the newest invalidation of any of its tags', () => {
    const table = new TagTable(10);
    table.hear(['a'], 5, 'delete');
    table.hear(['b'], 6, 'expire');
    expect(table.verdict(['a'], 4)).toBe('deleted');
    expect(table.verdict(['a'], 5)).toBe('valid');
    expect(table.verdict(['b'], 5)).toBe('expired');
    expect(table.verdict(['b', 'a'], 4)).toBe('deleted');
    expect(table.verdict(['c'], 0)).toBe('valid');
  });

  it('never forgets in the unsafe direction: with room for few tags it says deleted too often, not too rarely', () => {
    const tag = fc.constantFrom('a', 'b', 'c', 'd', 'e');
    const mode = fc.constantFrom('delete' as const, 'expire' as const);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(tag, mode), { maxLength: 40, size: 'max' }),
        tag,
        fc.nat(40),
        (history, asked, since) => {
          const [small, large] = [new TagTable(2), new TagTable(100)];
          history.forEach(([t, m], i) => [small, large].forEach((table) => table.hear([t], i + 1, m)));
          const rank = { valid: 0, expired: 1, deleted: 2 };
          expect(rank[small.verdict([asked], since)]).toBeGreaterThanOrEqual(rank[large.verdict([asked], since)]);
          expect(small.size).toBeLessThanOrEqual(2);
        },
      ),
    );
  });

  it('ends in the same state whatever the order in which invalidations arrive', () => {
    const steps = [1, 2, 3, 4].map((seq) => [seq, seq % 2 === 0 ? 'delete' : 'expire'] as const);
    fc.assert(
      fc.property(fc.shuffledSubarray(steps, { minLength: 4 }), fc.nat(5), (shuffled, since) => {
        const [ordered, other] = [new TagTable(10), new TagTable(10)];
        for (const [seq, mode] of steps) ordered.hear(['t'], seq, mode);
        for (const [seq, mode] of shuffled) other.hear(['t'], seq, mode);
        expect(other.verdict(['t'], since)).toBe(ordered.verdict(['t'], since));
      }),
    );
  });
});

describe('CoherenceState', () => {
  let clock: FakeClock;
  let state: CoherenceState;

  beforeEach(() => {
    clock = new FakeClock();
    state = new CoherenceState(clock, 'acknowledged', 100);
    state.learnEpoch(EPOCH);
  });

  it('counts the lease from the sending of the echo', async () => {
    const [sent, wall] = [clock.monotonic(), clock.now()];
    await clock.advance(400);
    state.grantLease(sent, wall, 1_000);
    expect(state.leaseHeld).toBe(true);
    await clock.advance(600);
    expect(state.leaseHeld).toBe(false);
  });

  it.each(['monotonic', 'now'] as const)('ends the lease when the %s clock alone says so', (jumping) => {
    state.grantLease(clock.monotonic(), clock.now(), 1_000);
    const before = clock[jumping]();
    jest.spyOn(clock, jumping).mockReturnValue(before + 1_000);
    expect(state.leaseHeld).toBe(false);
  });

  it('loses the lease with a new generation', () => {
    state.grantLease(clock.monotonic(), clock.now(), 1_000);
    state.newGeneration();
    expect(state.leaseHeld).toBe(false);
  });

  describe('has heard of everything since an entry was born', () => {
    const born = (seq: number, epoch = EPOCH) => ({ epoch, seq });
    const prove = (proven: CoherenceState, seq: number): void => {
      proven.hearsFrom(seq);
      proven.grantLease(clock.monotonic(), clock.now(), 1_000);
    };

    it('from where the counter stood at the first beat of the subscription, as long as the lease is held', async () => {
      expect([state.isHearing, state.hasHeardAllSince(born(50))]).toEqual([false, false]);
      prove(state, 7);
      prove(state, 20);
      expect([6, 7, 20].map((seq) => state.hasHeardAllSince(born(seq)))).toEqual([false, true, true]);
      expect([state.isHearing, state.hasHeardAllSince(born(20, 'bbbbbbbbbbbbbbbb'))]).toEqual([true, false]);
      await clock.advance(1_000);
      expect(state.hasHeardAllSince(born(20))).toBe(false);
    });

    it('not across a new subscription, nor a new epoch, until a beat has been carried out under it', () => {
      prove(state, 7);
      state.newGeneration();
      prove(state, 20);
      expect([19, 20].map((seq) => state.hasHeardAllSince(born(seq)))).toEqual([false, true]);
      const next = 'bbbbbbbbbbbbbbbb';
      state.learnEpoch(next);
      state.grantLease(clock.monotonic(), clock.now(), 1_000);
      expect([state.isHearing, state.hasHeardAllSince(born(30, next))]).toEqual([false, false]);
      prove(state, 3);
      expect([20, 3].map((seq, i) => state.hasHeardAllSince(born(seq, [EPOCH, next][i])))).toEqual([false, true]);
    });

    it('not of what its table has forgotten', () => {
      const small = new CoherenceState(clock, 'acknowledged', 1);
      small.learnEpoch(EPOCH);
      prove(small, 1);
      for (const seq of [5, 6]) small.hear(born(seq), [`t${seq}`], 'delete');
      expect([4, 5].map((seq) => small.hasHeardAllSince(born(seq)))).toEqual([false, true]);
    });

    it.each(['broadcast', 'off'] as const)('never in the mode %s, in which no writer waits for it', (mode) => {
      const unasked = new CoherenceState(clock, mode, 100);
      unasked.learnEpoch(EPOCH);
      prove(unasked, 1);
      expect([unasked.isHearing, unasked.hasHeardAllSince(born(5))]).toEqual([false, false]);
    });
  });

  it('holds what rests on another epoch for deleted', () => {
    expect(state.verdict(['t'], { epoch: EPOCH, seq: 9 })).toBe('valid');
    state.learnEpoch('bbbbbbbbbbbbbbbb');
    expect(state.verdict(['t'], { epoch: EPOCH, seq: 9 })).toBe('deleted');
  });

  it('an answer of an epoch that has ended neither brings it back nor wipes what was heard since', () => {
    const next = { epoch: 'bbbbbbbbbbbbbbbb', seq: 5 };
    state.hear({ ...next, seq: 6 }, ['t'], 'delete');
    expect(state.learnEpoch(EPOCH)).toBe(false);
    state.hear({ epoch: EPOCH, seq: 100 }, ['u'], 'delete');
    expect(state.epoch).toBe(next.epoch);
    expect(state.verdict(['t'], next)).toBe('deleted');
    expect(state.verdict(['u'], next)).toBe('valid');
  });

  it('holds a tag whose invalidation is not delivered for newer than anything', () => {
    state.markUndelivered(['t']);
    expect(state.verdict(['t'], { epoch: EPOCH, seq: 1_000_000 })).toBe('deleted');
    expect(state.verdict(['u'], { epoch: EPOCH, seq: 1 })).toBe('valid');
    state.markDelivered(['t']);
    expect(state.verdict(['t'], { epoch: EPOCH, seq: 1 })).toBe('valid');
  });
});

describe('AckWait', () => {
  it('counts an acknowledgement that overtook the list of members', async () => {
    const wait = new AckWait();
    wait.acknowledge('b');
    expect(await wait.waitFor(['b'], 1_000, new FakeClock())).toEqual([]);
  });

  it('returns who stayed silent after the limit, and no later', async () => {
    const clock = new FakeClock();
    const wait = new AckWait();
    const silent = wait.waitFor(['b', 'c'], 1_000, clock);
    wait.acknowledge('c');
    await clock.advance(1_000);
    expect(await silent).toEqual(['b']);
  });

  it('returns at once when the last one acknowledges, and leaves no timer', async () => {
    const clock = new FakeClock();
    const wait = new AckWait();
    const silent = wait.waitFor(['b'], 1_000, clock);
    wait.acknowledge('b');
    expect(await silent).toEqual([]);
    expect(clock.timers).toBe(0);
  });
});

describe('userTag', () => {
  it.each(['', 'x'.repeat(257), 'a\ud800', 5 as unknown as string])('refuses %p', (tag) => {
    expect(() => userTag(tag)).toThrow(expect.objectContaining({ code: 'INVALID_TAG' }));
  });
});
