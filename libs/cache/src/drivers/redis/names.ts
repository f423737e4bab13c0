import { createHash } from 'node:crypto';
import { CacheError } from '../../core/errors';

const NAMESPACE = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
/** Longer names are stored under a digest; the entry itself carries the full key. */
const MAX_PLAIN_LENGTH = 200;

/**
 * Names of everything in Redis. Versions, members and load leases of a namespace share one hash slot
 * (`{namespace}`), so that each step is one script; entries are spread by their own names.
 */
export class Names {
  readonly head: string;
  readonly bus: string;
  readonly recent: string;

  /** @throws CacheError `INVALID_OPTIONS` */
  constructor(private readonly namespace: string) {
    if (!NAMESPACE.test(namespace)) {
      throw new CacheError('INVALID_OPTIONS', `namespace ${JSON.stringify(namespace)}: use letters, digits, . _ -`);
    }
    this.head = `{${namespace}}:head`;
    this.bus = `{${namespace}}:bus`;
    this.recent = `{${namespace}}:recent`;
  }

  tag(tag: string): string {
    return `{${this.namespace}}:tag:${plain(tag)}`;
  }

  lease(key: string): string {
    return `{${this.namespace}}:lease:${plain(key)}`;
  }

  /** Braces of a user's key are escaped: they must not choose a slot. */
  entry(key: string): string {
    return `${this.namespace}:entry:${plain(key).replace(/[{}]/g, (brace) => (brace === '{' ? '%7B' : '%7D'))}`;
  }

  member(member: string): string {
    return `{${this.namespace}}:member:${member}`;
  }
}

function plain(name: string): string {
  if (name.length <= MAX_PLAIN_LENGTH) return name;
  return `#${createHash('sha256').update(name, 'utf8').digest('base64url')}`;
}
