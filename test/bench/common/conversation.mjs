import { once } from 'node:events';

/** Questions to a forked process, one at a time. All fail when it dies, so that nobody waits for it. */
export function conversationWith(child, name) {
  const died = once(child, 'exit').then(() => Promise.reject(new Error(`${name} has died`)));
  died.catch(() => undefined);
  const answer = async () => (await Promise.race([once(child, 'message'), died]))[0];
  const ask = (question) => {
    child.send(question);
    return answer();
  };
  return { answer, ask };
}
