/** Forms in which an answer can be sent; `identity` is the bytes as they are. */
export type ContentCoding = 'br' | 'gzip' | 'identity';

/** Best first, where a client likes several equally. */
const PREFERENCE: readonly ContentCoding[] = ['br', 'gzip', 'identity'];

/** Longest `Accept-Encoding` that is read. */
const MAX_LENGTH = 1_000;

/**
 * The coding of an answer (RFC 9110, section 12.5.3): the one that the client weighs highest, ours where it does
 * not care. `identity` when it says nothing, or accepts nothing that there is.
 */
export function chooseCoding(acceptEncoding: string | undefined): ContentCoding {
  if (acceptEncoding === undefined || acceptEncoding.length > MAX_LENGTH) return 'identity';
  const known = chosen.get(acceptEncoding);
  if (known !== undefined) return known;
  const coding = choose(acceptEncoding);
  // A few browsers ask for all the world; who makes up others costs themselves a look.
  if (chosen.size >= MAX_CHOSEN) chosen.clear();
  chosen.set(acceptEncoding, coding);
  return coding;
}

const MAX_CHOSEN = 64;
const chosen = new Map<string, ContentCoding>();

function choose(acceptEncoding: string): ContentCoding {
  const weights = new Map<string, number>();
  for (const part of acceptEncoding.split(',')) {
    const [name = '', ...parameters] = part.split(';');
    weights.set(name.trim().toLowerCase(), weightOf(parameters));
  }
  const rest = weights.get('*');
  const weight = (coding: ContentCoding): number =>
    weights.get(coding) ??
    (coding === 'gzip' ? weights.get('x-gzip') : undefined) ??
    rest ??
    (coding === 'identity' ? 0.001 : 0);
  const [best] = PREFERENCE.filter((coding) => weight(coding) > 0).sort((a, b) => weight(b) - weight(a));
  return best ?? 'identity';
}

function weightOf(parameters: readonly string[]): number {
  for (const parameter of parameters) {
    const weight = /^\s*q=([01](?:\.\d{0,3})?)\s*$/i.exec(parameter)?.[1];
    if (weight !== undefined) return Math.min(1, Number(weight));
  }
  return 1;
}
