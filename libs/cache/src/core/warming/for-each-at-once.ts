/** Runs `task` for each item in order, at most `atOnce` at a time, as long as `goOn` says so. */
export async function forEachAtOnce<T>(
  items: readonly T[],
  atOnce: number,
  goOn: () => boolean,
  task: (item: T) => Promise<void>,
): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < items.length && goOn()) await task(items[next++]!);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, lane));
}
