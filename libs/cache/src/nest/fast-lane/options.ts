import type { IncomingMessage } from 'node:http';
import type { Hook } from './framework';

/** Options of {@link FastLane.open}: what the application does around every request, done on the lane too. */
export interface FastLaneOptions {
  /**
   * Hooks of Fastify or middleware of Express whose work {@link before} and {@link after} do. Any other one keeps the
   * routes that it stands before off the lane.
   */
  readonly standsFor?: readonly Hook[];
  /**
   * Headers that each answer gets, as names and values in turn; none that the cache sets itself. `undefined`: this
   * request takes the whole way.
   */
  readonly before?: (request: IncomingMessage) => readonly string[] | undefined;
  /** Told of each answer when it has been handed to the connection. */
  readonly after?: (request: IncomingMessage, answer: FastAnswer) => void;
}

/** One answer of the lane. */
export interface FastAnswer {
  readonly method: 'GET';
  /** Template of the route. */
  readonly route: string;
  readonly status: number;
  /** Value of `Cache-Status`. */
  readonly cacheStatus: string;
  /** All headers that were set, as names and values in turn. */
  readonly headers: readonly string[];
  /** From the arrival of the request until its answer was handed over. */
  readonly seconds: number;
}
