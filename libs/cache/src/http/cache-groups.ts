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
  const groups = tags.filter((tag) => PRINTABLE.test(tag)).map(quoted);
  return joined(groups, ', ');
}

/**
 * Value of `Cache-Group-Invalidation` (RFC 9875, section 3): the groups that a write has invalidated. All or
 * none: a list that misses one would leave caches downstream with what they believe is valid.
 */
export function cacheGroupInvalidation(tags: readonly string[]): string | undefined {
  if (!tags.every((tag) => PRINTABLE.test(tag))) return undefined;
  const all = tags.map(quoted);
  const text = joined(all, ', ');
  return text?.length === all.join(', ').length ? text : undefined;
}

/** Value of `Surrogate-Key`, for CDNs that know no groups: separated by spaces, so tags with one are left out. */
export function surrogateKey(tags: readonly string[]): string | undefined {
  return joined(
    tags.filter((tag) => /^[\x21-\x7e]+$/.test(tag)),
    ' ',
  );
}

/** As many of the members as a header may hold; `undefined` for none. */
function joined(members: readonly string[], separator: string): string | undefined {
  let length = -separator.length;
  const past = members.findIndex(
    (member, i) => i === MAX_GROUPS || (length += separator.length + member.length) > MAX_LENGTH,
  );
  const kept = past === -1 ? members : members.slice(0, past);
  return kept.length === 0 ? undefined : kept.join(separator);
}

const quoted = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`;
