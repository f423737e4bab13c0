import { setTimeout } from 'node:timers/promises';

/** What a balancer may send to another instance by itself (RFC 9110, section 9.2.2), once this one has refused it. */
const RETRIED_ELSEWHERE = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);
const STILL_ANSWERED = /^\/(health\/live|metrics)(\?|$)/;

/**
 * The last moments before the listener closes. Connections that a balancer opens just then would be reset, and a POST
 * on one of them would be lost; so for a while the balancer is told to go elsewhere: by 503 to what it sends again,
 * while the rest is answered.
 */
export class Draining {
  private begun = false;

  get isUnderWay(): boolean {
    return this.begun;
  }

  /** Resolves after `ms`, in which balancers notice; at once for 0, when there is no balancer to notice. */
  async begin(ms: number): Promise<void> {
    if (ms === 0) return;
    this.begun = true;
    await setTimeout(ms);
  }

  /** Whether a request is to be sent elsewhere. */
  refuses(method: string, url: string): boolean {
    return this.begun && RETRIED_ELSEWHERE.has(method) && !STILL_ANSWERED.test(url);
  }
}
