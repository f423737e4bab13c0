import { context, trace } from '@opentelemetry/api';
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { localStrata } from '@strata/cache/testing';
import { openTelemetryTracer } from '@strata/metrics';
import { RedisServer } from '../support/redis-server';
import { fleetKnown, startInstance, type Instance } from '../support/fleet';

describe('spans of OpenTelemetry', () => {
  const exporter = new InMemorySpanExporter();
  const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  let redis: RedisServer;
  let instance: Instance;

  it('are off without an SDK: there is no tracer, so nothing is wrapped', () => {
    expect(openTelemetryTracer()).toBeUndefined();
  });

  it.each([
    [
      'throws before it has called',
      () => () => {
        throw new Error('tracer');
      },
    ],
    [
      'throws after it has called',
      () => (_operation: unknown, run: () => Promise<unknown>) => {
        void run();
        throw new Error('tracer');
      },
    ],
    [
      'rejects',
      () => async (_operation: unknown, run: () => Promise<unknown>) => {
        await run();
        throw new Error('tracer');
      },
    ],
    ['never calls and never ends', () => () => new Promise(() => undefined)],
    ['returns something else', () => async () => 'something else'],
  ])('a tracer that %s changes nothing: reads load once, invalidations are not deferred', async (_how, make) => {
    const { strata } = localStrata({ trace: make() as never });
    const load = jest.fn(() => 'value');
    await expect(strata.cache('c').getOrSet('a', load)).resolves.toBe('value');
    expect(load).toHaveBeenCalledTimes(1);
    await expect(strata.invalidateTags(['t'])).resolves.toMatchObject({ deferred: false });
  });

  describe('with an SDK', () => {
    beforeAll(async () => {
      provider.register();
      redis = await RedisServer.start();
      instance = await startInstance(redis.url, { trace: openTelemetryTracer()! });
      await fleetKnown(instance);
    });

    afterAll(async () => {
      await instance.close();
      await redis.stop();
      await provider.shutdown();
      trace.disable();
      context.disable();
    });

    beforeEach(() => exporter.reset());

    /** Runs `task` in a span of its own, as a request is; returns the other spans by name, with the parents' names. */
    async function within(task: () => Promise<unknown>) {
      const tracer = trace.getTracer('test');
      await tracer.startActiveSpan('request', async (span) => {
        await task();
        span.end();
      });
      await instance.cache.settled();
      const spans = exporter.getFinishedSpans();
      const names = new Map(spans.map((span) => [span.spanContext().spanId, span.name]));
      return spans
        .filter(({ name }) => name !== 'request')
        .map((span) => [names.get(span.parentSpanContext?.spanId ?? ''), span.name] as const);
    }

    it('cover the load, with what it does inside, and the operations of L2', async () => {
      const found = await within(() =>
        instance.cache.getOrSet('a', () =>
          trace.getTracer('pg').startActiveSpan('pg.query', async (span) => {
            span.end();
            return 1;
          }),
        ),
      );
      expect(found).toContainEqual(['request', 'cache.l2 read']);
      expect(found).toContainEqual(['request', 'cache.load']);
      expect(found).toContainEqual(['cache.load', 'pg.query']);
      expect(found.map(([, name]) => name)).toContain('cache.l2 fill');
    });

    it('are none on a hit in L1', async () => {
      await instance.cache.getOrSet('b', () => 1);
      await instance.cache.settled();
      exporter.reset();
      await expect(within(() => instance.cache.getOrSet('b', () => 2))).resolves.toEqual([]);
    });

    it('cover an invalidation', async () => {
      const found = await within(() => instance.strata.invalidateTags(['t']));
      expect(found).toEqual([['request', 'cache.invalidate']]);
    });

    it('say that a load failed, without its words; and no span has a key or a value in it', async () => {
      const key = 'private-key';
      await within(() =>
        instance.cache
          .getOrSet(key, () => {
            throw new TypeError('private words');
          })
          .catch(() => undefined),
      );
      await within(() => instance.cache.set(key, 'private value', { tags: ['private-tag'] }));
      const spans = exporter.getFinishedSpans();
      const failed = spans.find(({ name }) => name === 'cache.load')!;
      expect(failed.status).toEqual({ code: 2, message: 'TypeError' });
      const told = spans.map(({ name, attributes, status, events }) => ({ name, attributes, status, events }));
      expect(JSON.stringify(told)).not.toMatch(/private/);
      expect(told.find(({ name }) => name === 'cache.load')!.attributes).toEqual({ 'cache.name': 'test' });
    });
  });
});
