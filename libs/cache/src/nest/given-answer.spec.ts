import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { given } from './given-answer';

/** Has no connection, as an answer behind others on its own: it never finishes. */
const queued = (): ServerResponse => new ServerResponse(new IncomingMessage(new Socket()));

describe('an answer from the cache is given', () => {
  it.each<[string, (response: ServerResponse) => void]>([
    ['has ended', (response) => void response.end('bytes')],
    ['has begun', (response) => void response.writeHead(200).write('the first of many')],
    ['is gone', (response) => void response.destroy()],
  ])('when it %s, whether or not its client reads', async (_what, give) => {
    const response = queued();
    const asked = given(response);
    give(response);
    await expect(asked).resolves.toBe(true);
    expect(response.writableFinished).toBe(false);
  });

  it('or is given up', async () => {
    await expect(given(queued(), 10)).resolves.toBe(false);
  });
});
