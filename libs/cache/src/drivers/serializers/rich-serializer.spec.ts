import type { Serializer } from '../../core/ports/serializer';
import { localStrata } from '../../testing';
import { richSerializer } from './rich-serializer';

const value = () => ({
  when: new Date(5),
  map: new Map<string, unknown>([['a', { list: [1n, 2n], bytes: Buffer.from([1, 255]) }]]),
  set: new Set(['x', 'y']),
  big: 12_345_678_901_234_567_890n,
  bytes: Buffer.from('héllo'),
  nothing: undefined,
  url: new URL('https://example.org/a?b=1'),
  pattern: /a+/gi,
  text: '_function_x|() => 1',
});

describe('richSerializer', () => {
  it('keeps dates, maps, sets, big integers and buffers', () => {
    const decoded = richSerializer.decode(richSerializer.encode(value())) as ReturnType<typeof value>;
    expect(decoded).toEqual(value());
    expect(Buffer.isBuffer(decoded.bytes)).toBe(true);
    expect(decoded.when).toBeInstanceOf(Date);
  });

  it('gives every reader a copy that it may change', async () => {
    const { strata } = localStrata();
    const cache = strata.cache('rich', { serializer: richSerializer });
    const loaded = (await cache.getOrSet('a', value)) as ReturnType<typeof value>;
    loaded.when.setTime(0);
    loaded.map.clear();
    loaded.bytes.fill(0);
    const read = (await cache.get('a')) as ReturnType<typeof value>;
    expect(read).toEqual(value());
    expect(Buffer.isBuffer((read.map.get('a') as { bytes: Buffer }).bytes)).toBe(true);
    expect((await cache.fetch('a', value)).value).not.toBe(read);
    expect(cache.peek('a')).toEqual(value());
  });

  it('makes plain objects of instances, or what their toJSON says, and copies of errors', () => {
    class Point {
      constructor(readonly at: Map<string, Date>) {}
    }
    class Money {
      constructor(readonly cents: bigint) {}
      toJSON(): object {
        return { cents: this.cents };
      }
    }
    const given = {
      point: new Point(new Map([['x', new Date(1)]])),
      money: new Money(5n),
      failed: new RangeError('no'),
    };
    const kept = richSerializer.decode(richSerializer.encode(given)) as typeof given;
    expect(kept).toEqual({ point: { at: given.point.at }, money: { cents: 5n }, failed: expect.any(Error) as Error });
    expect(Object.getPrototypeOf(kept.point)).toBe(Object.prototype);
    const copy = richSerializer.copy!(kept) as typeof given;
    copy.failed.message = 'changed';
    expect([kept.failed.name, kept.failed.message]).toEqual(['RangeError', 'no']);
    expect(given.point).toBeInstanceOf(Point);
    class Self {
      readonly seen: string[] = [];
      toJSON(key: string): this {
        this.seen.push(key);
        return this;
      }
    }
    const self = new Self();
    const failed = new Error('outer', { cause: new Error('inner') });
    const more = richSerializer.decode(richSerializer.encode({ self, again: self, failed })) as typeof given & {
      self: object;
      again: object;
    };
    expect(more.self).toEqual({ seen: ['self'] });
    expect(more.again).toBe(more.self);
    expect((more.failed.cause as Error).message).toBe('inner');
  });

  it('copies shared and cyclic values once, whatever the number of paths to them', async () => {
    const cyclic: Record<string, unknown> = { name: 'loop' };
    cyclic['self'] = cyclic;
    let dag: unknown = { leaf: new Date(0) };
    for (let i = 0; i < 40; i++) dag = { left: dag, right: dag };
    const { strata } = localStrata();
    const cache = strata.cache('rich', { serializer: richSerializer });
    const loop = (await cache.getOrSet('loop', () => cyclic)) as typeof cyclic;
    expect(loop['self']).toBe(loop);
    const copy = richSerializer.copy!(dag) as { left: unknown; right: unknown };
    expect(copy.left).toBe(copy.right);
  });

  it('shows a loader a copy of the stale value, and callers of an unstored one a copy each', async () => {
    const { strata, clock } = localStrata();
    const cache = strata.cache<{ items: Set<string> }>('rich', {
      serializer: richSerializer as Serializer<{ items: Set<string> }>,
      ttl: '1s',
      staleIfError: '1h',
    });
    await cache.getOrSet('a', () => ({ items: new Set(['x']) }));
    await clock.advance(1_000);
    const read = await cache.getOrSet('a', ({ stale }) => {
      stale!.items.add('changed');
      throw new Error('down');
    });
    expect(read).toEqual({ items: new Set(['x']) });
    await clock.advance(1_000);
    // One copy a load: what is done to it is there when it is taken again.
    const grown = await cache.getOrSet('a', (context) => (context.stale!.items.add('y'), context.stale!));
    expect(grown).toEqual({ items: new Set(['x', 'y']) });
    const [one, two] = await Promise.all(
      [1, 2].map(() => cache.getOrSet('b', () => ({ items: new Set<string>() }), { ttl: 0 })),
    );
    expect(one).not.toBe(two);
  });

  it('refuses hostile bytes without touching a prototype', () => {
    const hostile = [
      'junk',
      `${'['.repeat(50_000)}${']'.repeat(50_000)}`,
      '{"json":{"a":1},"meta":{"values":{"__proto__.polluted":["Date"]}}}',
      '{"json":{},"meta":{"values":{"constructor.prototype.polluted":["Date"]}}}',
    ];
    for (const text of hostile) {
      try {
        richSerializer.decode(Buffer.from(text));
      } catch {
        // Refused: the tier makes a miss of it.
      }
      expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    }
    expect(() => richSerializer.decode(Buffer.from(hostile[1]!))).toThrow(/nested/);
  });
});
