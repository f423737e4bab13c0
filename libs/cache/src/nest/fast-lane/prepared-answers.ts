import type { IncomingHttpHeaders } from 'node:http';
import type { Entry } from '../../core/entry';
import type { HeaderBag } from '../../http/cacheability';
import type { Representation } from '../../http/representation';
import { ageOf, formAsked, hitStatus, sendHit, validatorsOf, type FormValidators } from '../http-answer';
import type { Described } from '../http-load';
import type { Framework } from './framework';
import { RecordedResponse } from './recorded-response';

/** One answer as it goes to the connection. */
export interface PreparedAnswer {
  readonly status: number;
  cacheStatus: string;
  /** Names and values in turn. */
  readonly head: string[];
  /** Text stands for bytes of the same numbers (latin1): Node sends it in one piece with the head. */
  readonly body: string | Buffer | undefined;
}

/** Bodies up to this size are sent in one piece with the head, as a text that is kept besides the bytes. */
const MAX_TEXT_BYTES = 2_048;
const OVERHEAD_BYTES = 400;

/**
 * The answers that one entry has been asked for, made by the very code that answers behind Nest's pipeline. What
 * changes with time, `Age` and the rest of its life, is written anew when it changes.
 */
export class PreparedAnswers {
  /** By encoding, and among those 304 by itself: nothing that a caller chooses the text of. */
  private readonly answers = new Map<string, PreparedAnswer>();
  private readonly validators: FormValidators;
  private updatedAt = Infinity;
  private currentUntil = 0;
  bytes = 0;

  constructor(
    private readonly operation: Described['operation'],
    private readonly entry: Entry<Representation>,
    private readonly framework: Framework,
  ) {
    this.validators = validatorsOf(entry.value);
  }

  /** False once the representation has got into another entry, or another route answers with it. */
  isOf(operation: Described['operation'], { createdAt, freshUntil, furtherTags }: Entry): boolean {
    const { entry } = this;
    return (
      this.operation === operation &&
      entry.furtherTags === furtherTags &&
      entry.freshUntil === freshUntil &&
      entry.createdAt === createdAt
    );
  }

  /** True while the answers say the time rightly; the clock may have been set back. */
  isCurrent(now: number): boolean {
    return now >= this.updatedAt && now < this.currentUntil;
  }

  /** Brings `Age` and `Cache-Status` of all answers to wall time `now`. */
  update(now: number): void {
    const [age, status] = [ageOf(this.entry, now), hitStatus(this.entry, now)];
    for (const answer of this.answers.values()) {
      answer.cacheStatus = status;
      write(answer.head, 'age', age);
      write(answer.head, 'cache-status', status);
    }
    const untilOlder = 1_000 - ((now - this.entry.createdAt) % 1_000);
    const untilShorter = ((this.entry.freshUntil - now) % 1_000) + 1;
    this.updatedAt = now;
    this.currentUntil = now + Math.min(untilOlder, untilShorter);
  }

  find(headers: IncomingHttpHeaders): PreparedAnswer | undefined {
    return this.answers.get(this.wayOf(headers));
  }

  /** `undefined` while an encoding has to be made first. */
  make(described: Described, entry: Entry<Representation>, grown: () => void): PreparedAnswer | undefined {
    const response = new RecordedResponse();
    const sent = sendHit({ ...described, response }, entry, grown);
    if (sent instanceof Promise) return void sent.catch(() => undefined);
    const bytes = sent as Buffer | undefined;
    this.framework.addTail(response.headers, bytes);
    const isText = bytes !== undefined && bytes.length <= MAX_TEXT_BYTES;
    const head = [...Object.entries(this.framework.ownHeaders()), ...response.headers].flat();
    const cacheStatus = response.headers.get('cache-status')!;
    const answer = { status: response.status, cacheStatus, head, body: isText ? bytes.toString('latin1') : bytes };
    this.answers.set(this.wayOf(described.request.headers), answer);
    this.bytes += OVERHEAD_BYTES + (isText ? bytes.length : 0);
    for (const text of head) this.bytes += text.length;
    grown();
    return answer;
  }

  private wayOf(headers: HeaderBag): string {
    const { coding, isUnchanged } = formAsked(headers, this.validators);
    return isUnchanged ? NOT_MODIFIED[coding] : coding;
  }
}

const NOT_MODIFIED = { br: '304 br', gzip: '304 gzip', identity: '304' } as const;

function write(head: string[], name: string, value: string): void {
  for (let i = 0; i < head.length; i += 2) if (head[i] === name) head[i + 1] = value;
}
