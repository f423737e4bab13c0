import type { Clock } from '../ports/clock';

/**
 * Collects the acknowledgements of one invalidation. It exists before the invalidation is published,
 * because an acknowledgement may overtake the reply that names who has to send one.
 */
export class AckWait {
  private readonly heard = new Set<string>();
  private missing: Set<string> | undefined;
  private wake: () => void = () => undefined;

  acknowledge(member: string): void {
    this.heard.add(member);
    if (this.missing?.delete(member) && this.missing.size === 0) this.wake();
  }

  /** Waits for `members` at most `ms` of monotonic time and returns those that stayed silent. */
  async waitFor(members: Iterable<string>, ms: number, clock: Clock): Promise<string[]> {
    const missing = new Set<string>();
    for (const member of members) if (!this.heard.has(member)) missing.add(member);
    if (missing.size === 0) return [];
    this.missing = missing;
    await new Promise<void>((resolve) => {
      const timer = clock.after(ms, resolve);
      this.wake = () => {
        timer.cancel();
        resolve();
      };
    });
    return [...missing];
  }
}
