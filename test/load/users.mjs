/**
 * Closed loop: `users` people, each of whom waits for the answer, then thinks 0.1–0.5 s. Resolves when all have
 * had their last answer.
 */
export async function runUsers({ client, next, recorder, random, users, seconds }) {
  const endAt = performance.now() + seconds * 1_000;
  await Promise.all(Array.from({ length: users }, () => oneUser({ client, next, recorder, random, endAt })));
}

async function oneUser({ client, next, recorder, random, endAt }) {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 100 + random() * 400));
    if (performance.now() >= endAt) return;
    const operation = next();
    const startedAt = performance.now();
    const error = await client.send(operation);
    recorder.record(operation, performance.now() - startedAt, error);
  }
}
