import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { given } from './given-answer';

/** Has no connection, as an answer behind others on its own: it never finishes. */
const queued = (): ServerResponse => new ServerResponse(new IncomingMessage(new Socket()));

describe('an answer from the cache is given', () => {
  it('when it has ended, whether or not its client reads', async () => {
    const response = queued();
    const asked = given(response);
    response.end('bytes');
    await expect(asked).resolves.toBeUndefined();
    expect([response.headersSent, response.writableFinished]).toEqual([true, false]);
    await expect(given(response)).resolves.toBeUndefined();
  });

  it('when its connection has closed', async () => {
    const response = queued();
    const asked = given(response);
    response.emit('close');
    await expect(asked).resolves.toBeUndefined();
  });

  it('or is not waited for longer than a second', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick'] });
    const asked = given(queued());
    const refused = expect(asked).rejects.toThrow('has not been given');
    jest.advanceTimersByTime(1_000);
    jest.useRealTimers();
    await refused;
  });
});
