import { setTimeout } from 'node:timers/promises';

/** What a balancer may send to another instance by itself (RFC 9110, section 9.2.2), once this one has refused it. */
const SENT_ELSEWHERE = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);
const READINESS = /^\/health\/ready(\?|$)/;
const STILL_ANSWERED = /^\/(health|metrics)(\/|\?|$)/;

/**
 * The last moments before the listener closes. Connections that a balancer opens just then would be reset, and a POST
 * on one of them would be lost; so for a while the balancer is told to go elsewhere, by what it understands: readiness,
 * `Connection: close`, and for one that asks for it the refusal of what it sends again by itself.
 */
export class Draining {
  private begun = false;
  private refusing = false;

  get isUnderWay(): boolean {
    return this.begun;
  }

  /** Resolves after `ms`, in which balancers notice; at once for 0, when there is no balancer to notice. */
  async begin(ms: number, refuse: boolean): Promise<void> {
    if (ms === 0) return;
    this.begun = true;
    this.refusing = refuse;
    await setTimeout(ms);
  }

  /** What a request is answered with instead of being served; `undefined`: it is served. */
  answerInstead(method: string, url: string): { status: number; detail: string } | undefined {
    if (!this.begun) return undefined;
    if (READINESS.test(url)) return { status: 503, detail: 'this instance is being stopped' };
    if (!this.refusing || !SENT_ELSEWHERE.has(method) || STILL_ANSWERED.test(url)) return undefined;
    // A status that the service has no other use for: a balancer that sends on every 503 would repeat stored writes.
    return { status: 502, detail: 'this instance is being stopped: ask another one' };
  }
}
