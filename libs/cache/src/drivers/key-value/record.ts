const MAX_TAGS = 2_000;

/** An entry as it lies in a key-value store: its bytes, and the marks its tags had when its load began. */
export interface EntryRecord {
  readonly marks: ReadonlyMap<string, string>;
  readonly bytes: Buffer;
}

/** As text, because that is all such stores have in common. */
export function formatRecord(marks: ReadonlyMap<string, string>, bytes: Buffer): string {
  return JSON.stringify({ v: 1, marks: [...marks], bytes: bytes.toString('base64') });
}

/** What {@link formatRecord} wrote; `undefined` for anything else, which is a miss. */
export function parseRecord(text: string): EntryRecord | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { v, marks, bytes } = value as Record<string, unknown>;
  if (v !== 1 || typeof bytes !== 'string' || !Array.isArray(marks) || marks.length > MAX_TAGS) return undefined;
  if (!marks.every(isPair)) return undefined;
  return { marks: new Map(marks), bytes: Buffer.from(bytes, 'base64') };
}

const isPair = (pair: unknown): pair is [string, string] =>
  Array.isArray(pair) && pair.length === 2 && pair.every((part) => typeof part === 'string');
