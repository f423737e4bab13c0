import { createHash, timingSafeEqual } from 'node:crypto';

/** Whether an `Authorization` header shows `token`. Takes the same time whatever it shows. */
export function showsToken(authorization: string | undefined, token: string): boolean {
  const given = /^Bearer +(.+)$/i.exec(authorization ?? '')?.[1];
  return given !== undefined && sameText(given, token);
}

/** Constant time in the length and content of the secret: both sides are digested first. */
function sameText(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
