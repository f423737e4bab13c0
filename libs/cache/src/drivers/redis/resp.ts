/** Argument of a command of Redis. */
export type Argument = string | number | Buffer;

const END = '\r\n';
/** `$` and the length of what comes, for lengths that most arguments have. */
const HEADS = Array.from({ length: 512 }, (_, length) => `$${length}${END}`);
const headOf = (length: number): string => HEADS[length] ?? `$${length}${END}`;

/**
 * A command as Redis reads it (RESP2): one text where all arguments are texts, else one piece of memory, into which each
 * argument is copied once. A command that stands for many reads or loads has hundreds of arguments: what each costs here
 * counts.
 *
 * @param first comes before all other arguments
 */
export function encodeCommand(name: string, first: string, args: readonly Argument[]): string | Buffer {
  // Bytes, and the text before each of them.
  const pieces: Buffer[] = [];
  const texts: string[] = [];
  const firstLength = Buffer.byteLength(first);
  let isAscii = firstLength === first.length;
  let text = `*${args.length + 2}${END}${headOf(name.length)}${name}${END}${headOf(firstLength)}${first}${END}`;
  for (const arg of args) {
    if (typeof arg === 'object') {
      texts.push(text + headOf(arg.length));
      pieces.push(arg);
      text = END;
      continue;
    }
    const part = typeof arg === 'number' ? String(arg) : arg;
    const length = Buffer.byteLength(part);
    if (length !== part.length) isAscii = false;
    text = text + headOf(length) + part + END;
  }
  return pieces.length === 0 ? text : joined(texts, pieces, text, isAscii);
}

function joined(texts: readonly string[], pieces: readonly Buffer[], last: string, isAscii: boolean): Buffer {
  const encoding = isAscii ? 'latin1' : 'utf8';
  let length = Buffer.byteLength(last, encoding);
  for (let i = 0; i < pieces.length; i++) length += Buffer.byteLength(texts[i]!, encoding) + pieces[i]!.length;
  const bytes = Buffer.allocUnsafe(length);
  let offset = 0;
  for (let i = 0; i < pieces.length; i++) {
    offset += bytes.write(texts[i]!, offset, encoding);
    offset += pieces[i]!.copy(bytes, offset);
  }
  bytes.write(last, offset, encoding);
  return bytes;
}
