import { nullBus, nullRemoteStore } from '../../drivers/null';
import { FakeClock } from '../../testing';
import { EventHub } from '../events';
import { CoherenceState } from './coherence-state';
import { Lease } from './lease';

const LEASE_MS = 1_000;

describe('Lease', () => {
  let clock: FakeClock;
  let state: CoherenceState;
  let lease: Lease;
  const reconnect = jest.fn();
  const heartbeat = jest.fn();

  beforeEach(() => {
    clock = new FakeClock();
    reconnect.mockReset();
    heartbeat.mockReset();
    heartbeat.mockResolvedValue({ head: { epoch: 'aaaaaaaaaaaaaaaa', seq: 1 }, unknownMember: undefined });
    state = new CoherenceState(clock, 'acknowledged', 10);
    const remote = { ...nullRemoteStore(), heartbeat };
    lease = new Lease('me', state, remote, { ...nullBus(), reconnect }, LEASE_MS, new EventHub(), clock);
  });

  afterEach(() => lease.stop());

  const begin = async (): Promise<void> => {
    lease.start();
    lease.subscribed();
    await clock.advance(0);
  };

  it('is held from the sending of the beat whose echo arrives, however late it arrives', async () => {
    await begin();
    await clock.advance(200);
    lease.echo(1);
    expect(state.leaseHeld).toBe(true);
    await clock.advance(749);
    expect(state.leaseHeld).toBe(true);
    await clock.advance(1);
    expect(state.leaseHeld).toBe(false);
  });

  it('ignores an echo of an older subscription, and one it never sent', async () => {
    await begin();
    lease.subscribed();
    lease.echo(1);
    lease.echo(99);
    expect(state.leaseHeld).toBe(false);
  });

  it('asks for a new subscription when two echoes are missing', async () => {
    await begin();
    await clock.advance(LEASE_MS);
    expect(reconnect).toHaveBeenCalled();
  });

  it('does not take a beat that could not be sent for a missing echo', async () => {
    heartbeat.mockRejectedValue(new Error('away'));
    await begin();
    await clock.advance(3 * LEASE_MS);
    expect(reconnect).not.toHaveBeenCalled();
  });

  it('sends nothing before a subscription is confirmed, and ends at once when stopped', async () => {
    lease.start();
    await clock.advance(LEASE_MS);
    expect(heartbeat).not.toHaveBeenCalled();
    lease.subscribed();
    await clock.advance(0);
    lease.echo(1);
    expect(state.leaseHeld).toBe(true);
    const stopped = lease.stop();
    expect(state.leaseHeld).toBe(false);
    await stopped;
  });

  describe('when an answer of an epoch comes late that was over before it was heard of', () => {
    const [PRESENT, OLD] = ['aaaaaaaaaaaaaaaa', 'bbbbbbbbbbbbbbbb'];

    beforeEach(async () => {
      await begin();
      lease.echo(1);
      expect(state.leaseHeld).toBe(true);
      state.learnEpoch(OLD);
    });

    it('the lease ends at once: L1 must not serve what rests on it', () => {
      expect(state.epoch).toBe(OLD);
      expect(state.leaseHeld).toBe(false);
    });

    it('the next beat finds back, and only the one after it grants the lease', async () => {
      const { generation } = state;
      await clock.advance(0);
      lease.echo(2);
      expect([state.epoch, state.leaseHeld]).toEqual([PRESENT, false]);
      // What this instance did not listen to meanwhile is unknown: everything it holds is unproven.
      expect(state.generation).toBe(generation + 1);
      await clock.advance(0);
      lease.echo(3);
      expect(state.leaseHeld).toBe(true);
      expect(state.learnEpoch(OLD)).toBe(false);
    });
  });

  it('a beat that was answered before the epoch changed proves nothing of the new one', async () => {
    await begin();
    state.learnEpoch('bbbbbbbbbbbbbbbb');
    lease.echo(1);
    expect(state.leaseHeld).toBe(false);
  });
});
