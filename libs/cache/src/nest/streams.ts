/** What is read as it comes, by the functions that it has: those of Node's streams, of the web's, and of what holds one. */
const KINDS = [
  ['pipe', 'a stream'],
  ['getReader', 'a stream'],
  ['arrayBuffer', 'a response or a blob'],
] as const;

/** What a value is called that can be read once alone; `undefined` for all others. */
export function streamKind(value: object): string | undefined {
  return KINDS.find(([name]) => typeof (value as Readonly<Record<string, unknown>>)[name] === 'function')?.[1];
}
