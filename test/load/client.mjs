import { Pool } from 'undici';

const TIMEOUT_MS = 30_000;

/** Sends requests over kept connections; an answer counts when its last byte is here. */
export class Client {
  /** @param connections most of them; `null`: as many as there are requests under way */
  constructor(url, connections, token) {
    this.pool = new Pool(url, { connections, pipelining: 1, headersTimeout: TIMEOUT_MS, bodyTimeout: TIMEOUT_MS });
    this.headers = {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    };
  }

  /** Resolves with what went wrong, `undefined` when nothing did. */
  async send({ kind, method, path, body }) {
    try {
      const sent = body === undefined ? { method, path } : { method, path, body, headers: this.headers };
      const answer = await this.pool.request(sent);
      await answer.body.dump({ limit: 16_777_216 });
      return answer.statusCode === 200 ? undefined : `${kind}: status ${answer.statusCode}`;
    } catch (error) {
      return `${kind}: ${error.code ?? error.message}`;
    }
  }

  async close() {
    await this.pool.destroy();
  }
}
