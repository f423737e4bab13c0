import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { ContentCoding } from './content-coding';

const compressors: Readonly<Record<Exclude<ContentCoding, 'identity'>, (body: Buffer) => Promise<Buffer>>> = {
  br: (body) => promisify(brotliCompress)(body, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } }),
  gzip: promisify<Buffer, Buffer>(gzip),
};

/** Smallest body that is worth encoding, in bytes. */
const MIN_BYTES = 1_024;

/** True for bodies that can be sent in more than one form; their answers vary by `Accept-Encoding`. */
export function isEncodable(body: Buffer, contentType: string | undefined): boolean {
  return body.length >= MIN_BYTES && /^(text\/|application\/([\w.-]+\+)?(json|xml|javascript))/.test(contentType ?? '');
}

type Coding = Exclude<ContentCoding, 'identity'>;

/**
 * The encoded forms of one body, each made once, when it is first asked for, for everybody who waits. There is one of
 * these for each kept answer, and most are never asked for a form: the tables come with the first.
 */
export class EncodedForms {
  private made: Map<ContentCoding, Buffer> | undefined;
  private making: Map<ContentCoding, Promise<Buffer>> | undefined;
  /** Whole answers made of these forms, by whoever sends them often. */
  prepared: { readonly bytes: number } | undefined;

  /** Bytes of everything made so far. */
  get bytes(): number {
    let bytes = this.prepared?.bytes ?? 0;
    for (const form of this.made?.values() ?? []) bytes += form.length;
    return bytes;
  }

  /** The form that is there already. */
  ready(coding: ContentCoding): Buffer | undefined {
    return this.made?.get(coding);
  }

  /** Forgets a form that there is no room for; who asks for it again has it made again. */
  drop(coding: ContentCoding): void {
    this.made?.delete(coding);
  }

  /** Makes the form. The encoded form is kept even where it is larger: the client asked for it once and will again. */
  async make(coding: Coding, body: Buffer): Promise<Buffer> {
    const ready = this.ready(coding);
    if (ready !== undefined) return ready;
    this.making ??= new Map();
    let making = this.making.get(coding);
    if (making === undefined) {
      making = compressors[coding](body).finally(() => this.making?.delete(coding));
      this.making.set(coding, making);
    }
    const form = await making;
    this.made = (this.made ?? new Map<ContentCoding, Buffer>()).set(coding, form);
    return form;
  }
}
