/** Rejects with the signal's reason as soon as it is aborted, whatever becomes of `work`. */
export function untilAborted<R>(work: Promise<R>, signal: AbortSignal): Promise<R> {
  work.catch(() => undefined);
  return new Promise<R>((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });
    void work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
