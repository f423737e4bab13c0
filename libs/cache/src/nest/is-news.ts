/** Warnings that are remembered; when there are more, some are given again. */
const MOST = 1_000;

const told = new WeakMap<object, Set<string>>();
const ofProcess = {};

/** True for the first time that something is said by whoever `owner` is: a warning for each call would drown the others. */
export function isNews(said: string, owner: object = ofProcess): boolean {
  let known = told.get(owner);
  if (known === undefined) told.set(owner, (known = new Set()));
  if (known.has(said)) return false;
  if (known.size >= MOST) known.clear();
  known.add(said);
  return true;
}
