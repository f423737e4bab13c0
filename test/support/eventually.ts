const LIMIT_MS = 25_000;
const PAUSE_MS = 10;

/** Repeats `attempt` until it neither throws nor returns `false`; the last failure after 25 s. */
export async function eventually<R>(attempt: () => R | Promise<R>): Promise<R> {
  const giveUpAt = Date.now() + LIMIT_MS;
  for (;;) {
    try {
      const result = await attempt();
      if (result !== false) return result;
      if (Date.now() > giveUpAt) throw new Error('still false after 25 s');
    } catch (error) {
      if (Date.now() > giveUpAt) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}
