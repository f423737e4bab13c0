import { randomUUID } from 'node:crypto';
import type { Clock, Timer } from '../ports/clock';
import type { Bus } from '../ports/bus';
import type { Head, InvalidationMessage, InvalidationMode, Invalidated, RemoteStore } from '../ports/remote-store';
import { CacheError } from '../errors';
import type { BusMessageKind, EventHub } from '../events';
import type { CoherenceState } from './coherence-state';
import { AckWait } from './ack-wait';
import { EVERYTHING } from './tags';

/** How an invalidation ended. */
export interface InvalidationResult {
  /** True when L2 could not be reached: the invalidation is kept and delivered later (C5). */
  readonly deferred: boolean;
  /** Version of the invalidation in L2, when it was delivered. */
  readonly version: Head | undefined;
  /** Newest version of the tags before it; `undefined` where L2 cannot tell. */
  readonly prior?: number | undefined;
}

/** Invalidations of one instance. */
export interface InvalidationCounters {
  /** Made here, deferred ones included; `totalMs` is the time that they took. */
  readonly local: Record<InvalidationMode, number>;
  /** Made elsewhere and applied here. */
  readonly remote: Record<InvalidationMode, number>;
  /** Could not reach L2 at first. */
  deferred: number;
  totalMs: number;
}

/** What happens to an invalidation that cannot reach L2. */
export type UndeliveredPolicy = 'defer' | 'fail';

/** Most tags kept while L2 is away; beyond it the whole namespace is invalidated on return. */
const MAX_DEFERRED_TAGS = 10_000;
/** Most tags in one message; a longer list travels as several. */
const TAGS_PER_MESSAGE = 500;
/** Pause between attempts to deliver what was deferred, in milliseconds. */
const RETRY_MS = 200;

/**
 * Originates and applies invalidations. Originating raises versions in L2, applies locally and waits for
 * the other instances; applying a remote one touches nothing but this instance and then acknowledges.
 */
export class Invalidator {
  private readonly waits = new Map<string, AckWait>();
  private readonly deferred = new Map<string, InvalidationMode>();
  private flushing: Promise<void> | undefined;
  private retry: Timer | undefined;

  constructor(
    private readonly member: string,
    private readonly state: CoherenceState,
    private readonly remote: RemoteStore,
    private readonly bus: Bus,
    private readonly options: { leaseMs: number; undelivered: UndeliveredPolicy },
    private readonly events: EventHub,
    private readonly clock: Clock,
    private readonly onApplied: (tags: readonly string[], mode: InvalidationMode) => void,
  ) {}

  /** Since start; nothing resets them. */
  readonly counters: InvalidationCounters = {
    local: { delete: 0, expire: 0 },
    remote: { delete: 0, expire: 0 },
    deferred: 0,
    totalMs: 0,
  };

  /** Tags that wait for L2 to come back. */
  get deferredTags(): number {
    return this.deferred.size;
  }

  /**
   * Invalidates `tags` everywhere: when it returns undeferred, no instance serves what they covered.
   *
   * @throws CacheError `INVALIDATION_UNDELIVERED` with the policy `fail`; the tags are kept all the same.
   */
  async originate(tags: readonly string[], mode: InvalidationMode): Promise<InvalidationResult> {
    const startedAt = this.clock.monotonic();
    let result: InvalidationResult;
    let failure: CacheError | undefined;
    try {
      const publish = (): Promise<Invalidated[]> =>
        Promise.all(this.messages(tags, mode).map((message) => this.publish(message)));
      const [last] = (await this.events.around('cache.invalidate', '', mode, publish)).slice(-1);
      result = { deferred: false, version: last && { epoch: last.epoch, seq: last.seq }, prior: last?.prior };
      // L2 has just answered: what waits for it need not wait for a timer.
      void this.flush().catch(() => undefined);
    } catch (error) {
      this.defer(tags, mode);
      this.onApplied(tags, mode);
      if (this.options.undelivered === 'fail') failure = undelivered(error);
      result = { deferred: true, version: undefined };
    }
    const durationMs = this.clock.monotonic() - startedAt;
    this.counters.local[mode]++;
    this.counters.totalMs += durationMs;
    if (result.deferred) this.counters.deferred++;
    this.report(tags, 'local', durationMs, result.deferred);
    if (failure !== undefined) throw failure;
    return result;
  }

  /** Stops trying to deliver what is deferred. */
  close(): void {
    this.retry?.cancel();
    this.retry = undefined;
  }

  /** Applies what another instance did. Publishes no invalidation and never touches L2. */
  applyRemote(message: InvalidationMessage): void {
    this.state.hear(message, message.tags, message.mode);
    if (message.origin === this.member) return;
    this.onApplied(message.tags, message.mode);
    // Only now: an acknowledgement sent before the table knows would let the writer return too early.
    this.bus.acknowledge(message.origin, message.id);
    this.published('acknowledgement');
    this.counters.remote[message.mode]++;
    this.report(message.tags, 'remote', 0, false);
  }

  acknowledged(id: string, member: string): void {
    this.waits.get(id)?.acknowledge(member);
  }

  /** Delivers what was deferred. Called whenever L2 proves to be reachable; never runs twice at a time. */
  flush(): Promise<void> {
    if (this.deferred.size === 0 || !this.remote.available) return Promise.resolve();
    this.flushing ??= this.deliverDeferred().finally(() => (this.flushing = undefined));
    return this.flushing;
  }

  private async publish(message: Omit<InvalidationMessage, 'epoch' | 'seq'>): Promise<Invalidated> {
    const acks = new AckWait();
    this.waits.set(message.id, acks);
    try {
      const invalidated = await this.remote.invalidate(message);
      this.published('invalidation');
      this.state.hear(invalidated, message.tags, message.mode);
      this.onApplied(message.tags, message.mode);
      this.state.members = Math.max(1, invalidated.members.size);
      if (this.state.mode !== 'acknowledged') return invalidated;
      const others = [...invalidated.members.keys()].filter((id) => id !== this.member);
      for (const silent of await acks.waitFor(others, this.options.leaseMs, this.clock)) {
        void this.remote.removeMember(silent, invalidated.members.get(silent)).catch(() => undefined);
      }
      return invalidated;
    } finally {
      this.waits.delete(message.id);
    }
  }

  private messages(tags: readonly string[], mode: InvalidationMode): Omit<InvalidationMessage, 'epoch' | 'seq'>[] {
    const messages = [];
    const most = this.remote.tagsPerInvalidation ?? TAGS_PER_MESSAGE;
    for (let i = 0; i < tags.length; i += most) {
      messages.push({ id: randomUUID(), origin: this.member, mode, tags: tags.slice(i, i + most) });
    }
    return messages;
  }

  private retryLater(): void {
    this.retry ??= this.clock.after(RETRY_MS, () => {
      this.retry = undefined;
      void this.flush()
        .catch(() => undefined)
        .then(() => {
          if (this.deferred.size > 0) this.retryLater();
        });
    });
  }

  private defer(tags: readonly string[], mode: InvalidationMode): void {
    this.retryLater();
    for (const tag of tags) {
      if (this.deferred.get(tag) !== 'delete') this.deferred.set(tag, mode);
    }
    if (this.deferred.size > MAX_DEFERRED_TAGS) {
      const forgotten = [...this.deferred.keys()];
      this.deferred.clear();
      this.deferred.set(EVERYTHING, 'delete');
      this.state.markDelivered(forgotten);
      this.state.markUndelivered([EVERYTHING]);
      return;
    }
    this.state.markUndelivered(tags);
  }

  private async deliverDeferred(): Promise<void> {
    for (const mode of ['delete', 'expire'] as const) {
      const tags = [...this.deferred].filter(([, m]) => m === mode).map(([tag]) => tag);
      for (const message of this.messages(tags, mode)) await this.deliver(message);
    }
  }

  private async deliver(message: Omit<InvalidationMessage, 'epoch' | 'seq'>): Promise<void> {
    // Taken out first: the same tag deferred again while this delivery runs must survive it.
    for (const tag of message.tags) this.deferred.delete(tag);
    try {
      await this.publish(message);
    } catch (error) {
      this.defer(message.tags, message.mode);
      throw error;
    }
    this.state.markDelivered(message.tags.filter((tag) => !this.deferred.has(tag)));
  }

  private published(kind: BusMessageKind): void {
    if (this.events.wants('bus.published')) this.events.emit({ name: 'bus.published', cache: '', kind });
  }

  private report(tags: readonly string[], origin: 'local' | 'remote', durationMs: number, deferred: boolean): void {
    if (!this.events.wants('invalidate')) return;
    this.events.emit({ name: 'invalidate', cache: '', tags, origin, durationMs, deferred });
  }
}

function undelivered(cause: unknown): CacheError {
  return new CacheError(
    'INVALIDATION_UNDELIVERED',
    'the invalidation could not reach L2; it is kept and will be delivered when L2 is back',
    { cause },
  );
}
