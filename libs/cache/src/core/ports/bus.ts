import type { InvalidationMessage } from './remote-store';

/** What arrives on the bus. The bus carries invalidations, never values. */
export interface BusListener {
  /** A new subscription is confirmed; called before its first message. */
  subscribed(): void;
  /** The subscription is gone; nothing arrives until `subscribed` is called again. */
  lost(): void;
  invalidation(message: InvalidationMessage): void;
  /** Another instance has applied invalidation `id`, which this instance originated. */
  acknowledged(id: string, member: string): void;
  /** This instance's own heartbeat came back through the bus. */
  echo(beat: number): void;
}

/** Port of the channel between instances: ordered, at most once, and silent about what was lost. */
export interface Bus {
  start(member: string, listener: BusListener): void;
  /** Tells `origin` that this instance has applied invalidation `id`. Best effort. */
  acknowledge(origin: string, id: string): void;
  /** Drops the subscription and opens a new one: used when echoes stop arriving. */
  reconnect(): void;
  close(): Promise<void>;
}
