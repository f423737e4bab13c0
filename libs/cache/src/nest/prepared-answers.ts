import type { Entry } from '../core/entry';
import type { HeaderBag } from '../http/cacheability';
import type { Representation } from '../http/representation';
import { ageOf, formAsked, hitStatus, sendHit, validatorsOf, type FormValidators } from './http-answer';
import type { Described } from './http-load';
import { RecordedResponse } from './recorded-response';

/** What a framework says in the head of each answer. */
export interface FrameworkHead {
  /** Headers that it puts on each answer, names as they are sent. */
  ownHeaders(): Readonly<Record<string, string>>;
  /** Adds what it says of a body, or of none (`undefined`), when it sends it. */
  addTail(headers: Map<string, string>, body: Buffer | undefined): void;
}

/** One answer as it goes to the connection. */
export interface PreparedAnswer {
  readonly status: number;
  cacheStatus: string;
  /** Names and values in turn. */
  readonly head: string[];
  readonly bytes: Buffer | undefined;
  /** {@link bytes} of a short body, each as one character (latin1): Node sends a text in one piece with the head. */
  readonly text: string | undefined;
}

/** Fastify says how long a body is, and nothing else. */
export const fastifyHead: FrameworkHead = {
  ownHeaders: () => ({}),
  addTail: (headers, body) => {
    if (body !== undefined) headers.set('content-length', String(body.length));
  },
};

/** Bodies up to this size are sent in one piece with the head, as a text that is kept besides the bytes. */
const MAX_TEXT_BYTES = 2_048;
/** Objects around all answers of an entry, and around one; held to reality by `npm run bench:memory`. */
const OVERHEAD_BYTES = 420;
const ANSWER_BYTES = 210;

/**
 * The answers that one entry has been asked for, made by the very code that answers in full. What changes with time,
 * `Age` and the rest of its life, is written anew when it changes.
 */
export class PreparedAnswers {
  /** By encoding, and among those 304 by itself: nothing that a caller chooses the text of. */
  private readonly answers = new Map<string, PreparedAnswer>();
  private readonly validators: FormValidators;
  readonly createdAt: number;
  readonly freshUntil: number;
  private readonly furtherTags: readonly string[];
  private updatedAt = Infinity;
  private currentUntil = 0;
  /** There is no room for what would be kept. */
  private isRefused = false;
  bytes = OVERHEAD_BYTES;

  constructor(
    private readonly operation: Described['operation'],
    entry: Entry<Representation>,
    private readonly framework: FrameworkHead,
  ) {
    this.validators = validatorsOf(entry.value);
    this.createdAt = entry.createdAt;
    this.freshUntil = entry.freshUntil;
    this.furtherTags = entry.furtherTags;
  }

  /** False once the representation has got into another entry. */
  isOf({ createdAt, freshUntil, furtherTags }: Entry<Representation>): boolean {
    return this.furtherTags === furtherTags && this.freshUntil === freshUntil && this.createdAt === createdAt;
  }

  /** False for another route that answers with the same entry, perhaps with other headers. */
  isFor(operation: Described['operation']): boolean {
    return this.operation === operation;
  }

  /** True while the answers say the time rightly; the clock may have been set back. */
  isCurrent(now: number): boolean {
    return now >= this.updatedAt && now < this.currentUntil;
  }

  /** Brings `Age` and `Cache-Status` of all answers to wall time `now`. */
  update(now: number): void {
    const [age, status] = [ageOf(this, now), hitStatus(this, now)];
    for (const answer of this.answers.values()) {
      answer.cacheStatus = status;
      write(answer.head, 'age', age);
      write(answer.head, 'cache-status', status);
    }
    const untilOlder = 1_000 - ((now - this.createdAt) % 1_000);
    const untilShorter = ((this.freshUntil - now) % 1_000) + 1;
    this.updatedAt = now;
    this.currentUntil = now + Math.min(untilOlder, untilShorter);
  }

  find(headers: HeaderBag): PreparedAnswer | undefined {
    return this.answers.get(this.wayOf(headers));
  }

  /** `undefined` while an encoding has to be made first, and where there is no room for what would be kept. */
  make(described: Described, entry: Entry<Representation>, grown: () => boolean): PreparedAnswer | undefined {
    if (this.isRefused) return undefined;
    const response = new RecordedResponse();
    const sent = sendHit({ ...described, response }, entry, grown);
    if (sent instanceof Promise) return void sent.catch(() => undefined);
    const bytes = sent as Buffer | undefined;
    this.framework.addTail(response.headers, bytes);
    const text = bytes !== undefined && bytes.length <= MAX_TEXT_BYTES ? bytes.toString('latin1') : undefined;
    const head = [...Object.entries(this.framework.ownHeaders()), ...response.headers].flat();
    const cacheStatus = response.headers.get('cache-status')!;
    const answer = { status: response.status, cacheStatus, head, bytes, text };
    this.keep(this.wayOf(described.request.headers), answer, grown);
    return answer;
  }

  private keep(way: string, answer: PreparedAnswer, grown: () => boolean): void {
    let bytes = ANSWER_BYTES + (answer.text?.length ?? 0);
    for (const part of answer.head) bytes += part.length;
    this.answers.set(way, answer);
    this.bytes += bytes;
    if (grown()) return;
    this.answers.delete(way);
    this.bytes -= bytes;
    this.isRefused = true;
  }

  private wayOf(headers: HeaderBag): string {
    const { coding, isUnchanged } = formAsked(headers, this.validators);
    return isUnchanged ? NOT_MODIFIED[coding] : coding;
  }
}

/** What is held in their place before there are any: most answers are given once, and need none. */
export const HIT_ONCE = Object.freeze({ bytes: 0 });

/**
 * The answers of an entry for a route, saying the time rightly; made where there are none. `undefined` where another
 * route has them: each in turn would have them made anew.
 */
export function preparedFor(
  operation: Described['operation'],
  entry: Entry<Representation>,
  framework: FrameworkHead,
  now: number,
): PreparedAnswers | undefined {
  const { forms } = entry.value;
  const kept = forms.prepared instanceof PreparedAnswers && forms.prepared.isOf(entry) ? forms.prepared : undefined;
  if (kept?.isFor(operation) === false) return undefined;
  const answers = kept ?? new PreparedAnswers(operation, entry, framework);
  if (!answers.isCurrent(now)) answers.update(now);
  forms.prepared = answers;
  return answers;
}

const NOT_MODIFIED = { br: '304 br', gzip: '304 gzip', identity: '304' } as const;

function write(head: string[], name: string, value: string): void {
  for (let i = 0; i < head.length; i += 2) if (head[i] === name) head[i + 1] = value;
}
