import { Logger } from '@nestjs/common';
import { CacheBackend } from './cache-backend';

describe('a value that is too large to be kept', () => {
  it.each([
    ['size', { maxEntryBytes: 100 }, 'x'.repeat(200), [], /"large" is larger than "maxEntryBytes"/],
    ['tags', {}, 'x', Array.from({ length: 1_025 }, (_, i) => `t${i}`), /more than 1024 tags/],
    ['values', { maxEntryValues: 10, compressionThreshold: 0 }, Array(20).fill(1), [], /more than "maxEntryValues"/],
  ])('over the bound of %s is told once, without its key', async (_reason, options, value, tags, said) => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation();
    const backend = await CacheBackend.create({});
    const cache = backend.cache<unknown>('large', options);
    for (const key of ['secret1', 'secret2']) {
      await cache.getOrSet(key, (loading) => {
        loading.addTags(...tags);
        return value;
      });
    }
    await cache.settled();
    expect(warn.mock.calls.flat()).toEqual([expect.stringMatching(said)]);
    expect(String(warn.mock.calls)).not.toContain('secret');
    await backend.strata.close();
    warn.mockRestore();
  });
});
