import type { BreakerState } from '../../core/events';
import type { LinkListener } from './nodes';

/** Tells all of them; what one throws is its own matter, and must not end what the link is about to do. */
export function tellOfBreaker(listeners: Iterable<LinkListener>, state: BreakerState, reason: string): void {
  for (const listener of listeners) {
    try {
      listener.breakerChanged?.(state, reason);
    } catch {
      // There is nobody to tell.
    }
  }
}
