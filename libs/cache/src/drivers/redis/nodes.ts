import type { Redis } from 'ioredis';
import type { BreakerState } from '../../core/events';

/** Bounds of the link. */
export interface LinkOptions {
  /** Age of the oldest unanswered command at which Redis counts as hung, in milliseconds. @default 50 */
  readonly timeoutMs?: number;
  /**
   * Most operations under way; one more fails at once. What coherence needs, and the stores that follow a load,
   * are not held back: as many as there are writes and loads under way. @default 10000
   */
  readonly maxInFlight?: number;
}

/** One connection for commands, with its own deadline and its own breaker. */
export interface NodeLink {
  /** False while a command would fail at once. */
  readonly available: boolean;
  /** Run id of the server behind this connection: it names the life of the data. */
  readonly run: string;
  /** True when the server lets flagged scripts run while memory is short (Redis 7, Valkey). */
  readonly allowsOom: boolean;
  /**
   * Sends one or several commands of the same tick.
   *
   * @param count what they do at once, for the bounds of what may be under way. @default 1
   * @throws CacheError `L2_UNAVAILABLE`, at once while the breaker is not closed
   */
  send<R>(send: (client: Redis) => Promise<R>, urgency?: Urgency, count?: number): Promise<R>;
}

/**
 * What coherence needs (heartbeats, invalidations, acknowledgements) is sent as soon as the breaker is
 * closed; all else is held back during the slow start after an outage.
 */
export type Urgency = 'coherence' | 'ordinary';

/** What links report; each transition once. */
export interface LinkListener {
  breakerChanged?(state: BreakerState, reason: string): void;
  /** A command was answered with an error of the server. */
  refused?(message: string): void;
}

/**
 * The server, or servers, of one namespace. One server has one link for everything; a cluster has one
 * for each master: everything but the entries lives on the node of `head`, which is the `control` node.
 */
export interface RedisNodes {
  /** Link to the node of `head`; `undefined` while it is not known. */
  readonly control: NodeLink | undefined;
  /** Link to the node that holds `name`; `undefined` while it is not known. */
  linkFor(name: string): NodeLink | undefined;
  /** True for a cluster: the bus then is sharded pub/sub, in the slot of `head`. */
  readonly sharded: boolean;
  /** State of the breaker in front of the control node. */
  readonly breaker: BreakerState;
  readonly available: boolean;
  /** Operations that wait for their answer, on all nodes. */
  readonly inFlight: number;
  /** How often a working connection was lost or given up, on all nodes. */
  readonly outages: number;
  onChange(listener: LinkListener): void;
  /** Resolves when the control node is available or `ms` have passed. */
  ready(ms: number): Promise<void>;
  close(): void;
}
