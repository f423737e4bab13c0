import { systemClock, type Clock, type Timer } from '../ports/clock';
import type { Bus } from '../ports/bus';
import type { RemoteStore } from '../ports/remote-store';
import type { EventHub } from '../events';
import type { CoherenceState } from './coherence-state';

interface SentBeat {
  readonly monotonic: number;
  readonly wall: number;
  readonly generation: number;
  /** How often the epoch had changed; a change since then may be a step back. */
  readonly epochChanges: number;
  isEchoed: boolean;
  /** Where the counter stood when it was carried out, once it is answered. */
  seq: number | undefined;
}

/** Fraction of the lease given away for clock drift between instances. */
const DRIFT_MARGIN = 0.05;
const BEATS_PER_LEASE = 4;
const MISSED_ECHOES_BEFORE_RECONNECT = 2;

/**
 * Keeps this instance's lease alive: every quarter of a lease it records itself in L2 and waits for the
 * answer and for the echo through the bus. An echo that arrives proves that the subscription lives and that
 * everything published before it has been applied; the answer proves that the epoch is the present one.
 */
export class Lease {
  private readonly sent = new Map<number, SentBeat>();
  private beat = 0;
  private held = false;
  private timer: Timer | undefined;
  private beating = false;
  private stopped = true;
  private forgetting = false;
  /** Between `subscribed` and `lost`: only then this instance can acknowledge, and may be waited for. */
  private listening = false;
  private waiters: (() => void)[] = [];

  constructor(
    private readonly member: string,
    private readonly state: CoherenceState,
    private readonly remote: RemoteStore,
    private readonly bus: Bus,
    private readonly leaseMs: number,
    private readonly events: EventHub,
    private readonly clock: Clock = systemClock,
    private readonly onAlive: () => void = () => undefined,
  ) {
    state.onEpochChange = () => {
      if (!this.stopped) this.schedule(0);
    };
  }

  start(): void {
    this.stopped = false;
    this.schedule(0);
  }

  /** Ends serving from L1 first and removes the member afterwards, so that no writer waits for it. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.timer?.cancel();
    this.state.endLease();
    this.noteLoss();
    if (this.remote.available) await this.remote.removeMember(this.member).catch(() => undefined);
  }

  /** Resolves when the lease is held or `ms` have passed, whichever is first. */
  async ready(ms: number): Promise<void> {
    if (this.state.leaseHeld) return;
    await new Promise<void>((resolve) => {
      const timer = this.clock.after(ms, resolve);
      this.waiters.push(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  /** A new subscription: echoes of beats sent on the old one are ignored. */
  subscribed(): void {
    this.listening = true;
    this.state.newGeneration();
    this.sent.clear();
    if (!this.stopped) this.schedule(0);
  }

  /** No subscription: no lease, and no beat that would make writers wait for who cannot acknowledge. */
  lost(): void {
    this.listening = false;
    this.sent.clear();
    this.state.endLease();
    this.noteLoss();
  }

  echo(beat: number): void {
    const sent = this.sent.get(beat);
    if (this.stopped || sent === undefined || sent.generation !== this.state.generation) return;
    for (const older of this.sent.keys()) if (older < beat) this.sent.delete(older);
    sent.isEchoed = true;
    this.grant(beat, sent);
  }

  private grant(beat: number, sent: SentBeat): void {
    if (!sent.isEchoed || sent.seq === undefined) return;
    this.sent.delete(beat);
    if (this.stopped || sent.epochChanges !== this.state.epochChanges) return;
    this.state.hearsFrom(sent.seq);
    this.state.grantLease(sent.monotonic, sent.wall, this.leaseMs * (1 - DRIFT_MARGIN));
    if (!this.held) {
      this.held = true;
      if (this.events.wants('lease.held')) this.events.emit({ name: 'lease.held', cache: '' });
    }
    for (const wake of this.waiters.splice(0)) wake();
    this.onAlive();
  }

  private schedule(ms: number): void {
    this.timer?.cancel();
    this.timer = this.clock.after(ms, () => void this.tick());
  }

  private async tick(): Promise<void> {
    this.schedule(this.leaseMs / BEATS_PER_LEASE);
    this.noteLoss();
    if ([...this.sent.values()].filter(({ isEchoed }) => !isEchoed).length >= MISSED_ECHOES_BEFORE_RECONNECT) {
      this.sent.clear();
      this.bus.reconnect();
      return;
    }
    if (this.beating || !this.remote.available || !this.listening) return;
    this.beating = true;
    try {
      await this.sendBeat();
    } catch {
      // The driver has reported the failure; the lease simply is not prolonged.
    } finally {
      this.beating = false;
    }
  }

  private async sendBeat(): Promise<void> {
    const beat = ++this.beat;
    const { generation, epochChanges } = this.state;
    const sent: SentBeat = {
      monotonic: this.clock.monotonic(),
      wall: this.clock.now(),
      generation,
      epochChanges,
      isEchoed: false,
      seq: undefined,
    };
    this.sent.set(beat, sent);
    const { head, unknownMember, members } = await this.remote.heartbeat(this.member, beat).catch((error: unknown) => {
      // Never published, so its echo cannot be missing.
      this.sent.delete(beat);
      throw error;
    });
    if (epochChanges === this.state.epochChanges && head.epoch !== this.state.epoch)
      this.state.correctEpoch(head.epoch);
    if (head.epoch === this.state.epoch && this.sent.has(beat)) {
      sent.seq = head.seq;
      this.grant(beat, sent);
    }
    this.state.members = Math.max(1, members);
    if (unknownMember !== undefined) this.forgetUnknownMember(unknownMember);
  }

  /** Whoever held a lease when the member list was lost holds it no longer than one lease from now. */
  private forgetUnknownMember(counter: string): void {
    if (this.forgetting) return;
    this.forgetting = true;
    this.clock.after(this.leaseMs, () => {
      this.forgetting = false;
      void this.remote.removeMember('?', counter).catch(() => undefined);
    });
  }

  private noteLoss(): void {
    if (!this.held || this.state.leaseHeld) return;
    this.held = false;
    if (this.events.wants('lease.lost')) this.events.emit({ name: 'lease.lost', cache: '' });
  }
}
