const told = new WeakMap<object, Set<string>>();
const ofProcess = {};

/**
 * True for the first time that something is said by whoever `owner` is: a warning for each call would drown the others.
 *
 * @param what the place and the kind of problem, of which there are few; never an error's own words or a value
 */
export function isNews(what: string, owner: object = ofProcess): boolean {
  const known = told.get(owner) ?? new Set();
  if (known.has(what)) return false;
  told.set(owner, known.add(what));
  return true;
}
