/** True where the application has enabled CORS: by a hook of the adapter (Fastify), or by the package `cors` (Express). */
export function hasCors(adapter: { getType(): string; getInstance(): unknown }): boolean {
  if ((adapter as { corsHook?: unknown }).corsHook != null) return true;
  const { router } = adapter.getInstance() as { router?: { stack?: readonly { name: string }[] } };
  return adapter.getType() === 'express' && router?.stack?.some(({ name }) => name === 'corsMiddleware') === true;
}
