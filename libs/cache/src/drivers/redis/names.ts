import { boundedName } from '../../core/bounded-name';
import { tagOfStored } from '../../core/coherence/tags';
import { CacheError } from '../../core/errors';

const NAMESPACE = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

const BRACE = /[{}]/;

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
    return `{${this.namespace}}:tag:${boundedName(tag)}`;
  }

  /** Where the load lease of an entry is: with the tag of its key. */
  lease(key: string): string {
    return this.tag(tagOfStored(key));
  }

  /** Braces of a user's key are escaped: they must not choose a slot. */
  entry(key: string): string {
    const name = boundedName(key);
    return `${this.namespace}:entry:${BRACE.test(name) ? name.replaceAll('{', '%7B').replaceAll('}', '%7D') : name}`;
  }

  /** What is read most in a cache: scores, and the moment they count from. */
  hot(cache: string): { scores: string; origin: string } {
    return { scores: `{${this.namespace}}:hot:${cache}`, origin: `{${this.namespace}}:hot-origin:${cache}` };
  }

  member(member: string): string {
    return `{${this.namespace}}:member:${member}`;
  }
}
