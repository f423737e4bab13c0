import type { IncomingHttpHeaders } from 'node:http';
import type { Entry } from '../../core/entry';
import type { HeaderBag } from '../../http/cacheability';
import type { Representation } from '../../http/representation';
import { ageOf, hitStatus, sendHit } from '../http-answer';
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
/** Answers that are kept of one entry: for each way to ask for it (encoding, condition). */
const MAX_ANSWERS = 8;
/** Longest way, in characters: a condition may list as many tags as fit into a request. */
const MAX_WAY_LENGTH = 256;
const OVERHEAD_BYTES = 400;

/**
 * The answers that one entry has been asked for, made by the very code that answers behind Nest's pipeline. What
 * changes with time, `Age` and the rest of its life, is written anew when it changes.
 */
export class PreparedAnswers {
  private readonly answers = new Map<string, PreparedAnswer>();
  private currentUntil = 0;
  bytes = 0;

  constructor(
    private readonly operation: Described['operation'],
    private readonly entry: Pick<Entry, 'createdAt' | 'freshUntil' | 'tags'>,
    private readonly framework: Framework,
  ) {}

  /** False once the representation has got into another entry, or another route answers with it. */
  isOf(operation: Described['operation'], { createdAt, freshUntil, tags }: Readonly<Entry>): boolean {
    const { entry } = this;
    return (
      this.operation === operation &&
      entry.tags === tags &&
      entry.freshUntil === freshUntil &&
      entry.createdAt === createdAt
    );
  }

  /** True while the answers say the time rightly. */
  isCurrent(now: number): boolean {
    return now < this.currentUntil;
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
    this.currentUntil = now + Math.min(untilOlder, untilShorter);
  }

  find(headers: IncomingHttpHeaders): PreparedAnswer | undefined {
    return this.answers.get(wayOf(headers));
  }

  /** `undefined` while an encoding has to be made first. */
  make(described: Described, entry: Readonly<Entry<Representation>>, grown: () => void): PreparedAnswer | undefined {
    const response = new RecordedResponse();
    const sent = sendHit({ ...described, response }, entry, grown);
    if (sent instanceof Promise) return void sent.catch(() => undefined);
    const bytes = sent as Buffer | undefined;
    this.framework.addTail(response.headers, bytes);
    const isText = bytes !== undefined && bytes.length <= MAX_TEXT_BYTES;
    const head = [...Object.entries(this.framework.ownHeaders()), ...response.headers].flat();
    const cacheStatus = response.headers.get('cache-status')!;
    const answer = { status: response.status, cacheStatus, head, body: isText ? bytes.toString('latin1') : bytes };
    const way = wayOf(described.request.headers);
    if (this.answers.size < MAX_ANSWERS && way.length <= MAX_WAY_LENGTH) {
      this.answers.set(way, answer);
      this.bytes += OVERHEAD_BYTES + way.length + (isText ? bytes.length : 0);
      for (const text of head) this.bytes += text.length;
      grown();
    }
    return answer;
  }
}

function write(head: string[], name: string, value: string): void {
  for (let i = 0; i < head.length; i += 2) if (head[i] === name) head[i + 1] = value;
}

/** The headers of a request that choose between the answers of one entry. */
function wayOf(headers: Described['request']['headers']): string {
  const { 'accept-encoding': encoding, 'if-none-match': noneMatch, 'if-modified-since': since } = headers;
  if (noneMatch === undefined && since === undefined) return encoding === undefined ? '' : String(encoding);
  // A line break is in no header: it tells the three apart, and what is not given from what is empty.
  return `\n${given(encoding)}${given(noneMatch)}${given(since)}`;
}

const given = (value: HeaderBag[string]): string => (value === undefined ? '\n' : `=${String(value)}\n`);
