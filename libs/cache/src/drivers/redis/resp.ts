/** Argument of a command of Redis. */
export type Argument = string | number | Buffer;

/**
 * A command as Redis reads it (RESP2): one text where all arguments are texts, else one piece of memory, into which each
 * argument is copied once. A command that stands for many reads or loads has hundreds of arguments: what each costs here
 * counts.
 */
export function encodeCommand(name: string, args: readonly Argument[]): string | Buffer {
  // Bytes, and the text before each of them.
  const pieces: Buffer[] = [];
  const texts: string[] = [];
  let text = `*${args.length + 1}\r\n$${name.length}\r\n${name}\r\n`;
  for (const arg of args) {
    if (typeof arg === 'object') {
      texts.push(`${text}$${arg.length}\r\n`);
      pieces.push(arg);
      text = '\r\n';
    } else {
      const part = typeof arg === 'number' ? String(arg) : arg;
      text += `$${Buffer.byteLength(part)}\r\n${part}\r\n`;
    }
  }
  return pieces.length === 0 ? text : joined(texts, pieces, text);
}

function joined(texts: readonly string[], pieces: readonly Buffer[], last: string): Buffer {
  let length = Buffer.byteLength(last);
  for (const [i, piece] of pieces.entries()) length += Buffer.byteLength(texts[i]!) + piece.length;
  const bytes = Buffer.allocUnsafe(length);
  let offset = 0;
  for (const [i, piece] of pieces.entries()) {
    offset += bytes.write(texts[i]!, offset);
    offset += piece.copy(bytes, offset);
  }
  bytes.write(last, offset);
  return bytes;
}
