import { ProxyTracerProvider, SpanStatusCode, trace, type Attributes, type Tracer } from '@opentelemetry/api';
import type { CacheOperation, CacheTracer } from '@strata/cache';

/**
 * Spans around what the cache waits for, for `CacheModuleOptions.trace`. The names of caches and operations are their
 * only attributes: keys and values belong to callers.
 *
 * @returns `undefined` when no SDK is registered, so that nothing is wrapped and nothing is paid: register it before
 *   the application is created (`node --import ./tracing.mjs`)
 */
export function openTelemetryTracer(tracer: Tracer | undefined = registeredTracer()): CacheTracer | undefined {
  if (tracer === undefined) return undefined;
  return (operation, run) =>
    tracer.startActiveSpan(spanName(operation), { attributes: attributesOf(operation) }, async (span) => {
      try {
        return await run();
      } catch (error) {
        // The class alone: a message may quote what a caller sent.
        span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.name : 'error' });
        throw error;
      } finally {
        span.end();
      }
    });
}

/** Of the SDK behind the API's stand-in, if there is one. */
function registeredTracer(): Tracer | undefined {
  const provider = trace.getTracerProvider();
  const isEmpty = provider instanceof ProxyTracerProvider && provider.getDelegateTracer('strata') === undefined;
  return isEmpty ? undefined : trace.getTracer('strata');
}

function spanName({ name, op }: CacheOperation): string {
  return name === 'cache.l2' ? `cache.l2 ${op}` : name;
}

function attributesOf({ cache, op }: CacheOperation): Attributes {
  return { ...(cache === '' ? {} : { 'cache.name': cache }), ...(op === undefined ? {} : { 'cache.operation': op }) };
}
