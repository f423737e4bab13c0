/** Most groups in one header; more are left out of `Cache-Groups`, and the header where leaving out is unsafe. */
const MAX_GROUPS = 128;
/** Longest header of groups: proxies and clients take some 8 KB for all headers of an answer. */
const MAX_LENGTH = 4_096;

/** What a string of a structured field can hold (RFC 9651, section 3.3.3). */
const PRINTABLE = /^[\x20-\x7e]*$/;

/**
 * Value of `Cache-Groups` (RFC 9875, section 2): the groups that an answer belongs to, as a list of strings.
 * `undefined` when there is none. A tag that the field cannot carry is left out.
 */
export function cacheGroups(tags: readonly string[]): string | undefined {
  const groups = fitting(tags.filter((tag) => PRINTABLE.test(tag)).map(quoted), ', ');
  return groups.length === 0 ? undefined : groups.join(', ');
}

/**
 * Value of `Cache-Group-Invalidation` (RFC 9875, section 3): the groups that a write has invalidated. All or
 * none: a list that misses one would leave caches downstream with what they believe is valid.
 */
export function cacheGroupInvalidation(tags: readonly string[]): string | undefined {
  const isWhole = tags.every((tag) => PRINTABLE.test(tag)) && fitting(tags.map(quoted), ', ').length === tags.length;
  return isWhole ? cacheGroups(tags) : undefined;
}

/** Value of `Surrogate-Key`, for CDNs that know no groups: separated by spaces, so tags with one are left out. */
export function surrogateKey(tags: readonly string[]): string | undefined {
  const keys = fitting(
    tags.filter((tag) => /^[\x21-\x7e]+$/.test(tag)),
    ' ',
  );
  return keys.length === 0 ? undefined : keys.join(' ');
}

/** As many of the members as a header may hold. */
function fitting(members: readonly string[], separator: string): readonly string[] {
  let length = -separator.length;
  const past = members.findIndex(
    (member, i) => i === MAX_GROUPS || (length += separator.length + member.length) > MAX_LENGTH,
  );
  return past === -1 ? members : members.slice(0, past);
}

const quoted = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`;
