import { unknownVariables, ConfigError, loadConfig } from './config';

const problems = (environment: Record<string, string>): readonly string[] => {
  try {
    loadConfig(environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
};

describe('configuration', () => {
  it('has the documented defaults', () => {
    expect(loadConfig({})).toMatchObject({
      PORT: 8_000,
      HOST: '127.0.0.1',
      CACHE_ENABLED: true,
      CACHE_NAMESPACE: 'strata',
      CACHE_TTL: 300_000,
      CACHE_STALE_WHILE_REVALIDATE: 30_000,
      CACHE_STALE_IF_ERROR: 600_000,
      CACHE_NEGATIVE_TTL: 30_000,
      CACHE_L1_MAX_ENTRIES: 100_000,
      CACHE_L1_MAX_BYTES: 67_108_864,
      CACHE_COMPRESSION_THRESHOLD: 1_024,
      CACHE_COHERENCE: 'acknowledged',
      CACHE_LEASE_MS: 2_000,
      CACHE_MAX_STALE_MS: 0,
      CACHE_UNDELIVERED: 'defer',
      CACHE_REFRESH_AHEAD: 0.8,
      SHUTDOWN_DRAIN: 0,
      SHUTDOWN_REFUSE: false,
      CACHE_WARM_KEYS: 1_000,
      WRITE_RATE_LIMIT: 600,
    });
  });

  it('lists every problem at once, each with its variable', () => {
    const found = problems({
      PORT: '80000',
      CACHE_TTL: '5',
      CACHE_L1_MAX_BYTES: '64',
      CACHE_ENABLED: 'yes',
      CACHE_COHERENCE: 'x',
    });
    expect(found.map((problem) => problem.split(' ', 1)[0])).toEqual([
      'PORT',
      'CACHE_ENABLED',
      'CACHE_TTL',
      'CACHE_L1_MAX_BYTES',
      'CACHE_COHERENCE',
    ]);
  });

  it('finds variables that look like ours, and leaves those of Kubernetes alone', () => {
    const given = {
      CACHE_TLL: '1m',
      CACHE_TTL: '1m',
      CACHE_PORT: 'tcp://',
      CACHE_SERVICE_HOST: 'h',
      CACHE_MASTER_PORT_1_TCP_ADDR: 'h',
    };
    expect(unknownVariables({ ...given, CACHE_PORT_6379_TCP: 'tcp://', REDIS_HOST: 'h' })).toEqual(['CACHE_TLL']);
  });

  it('takes an empty variable for an unset one', () => {
    expect(loadConfig({ PORT: '', ADMIN_TOKEN: '', DATABASE_URL: '' })).toMatchObject({ PORT: 8_000 });
    expect(loadConfig({ ADMIN_TOKEN: '' }).ADMIN_TOKEN).toBeUndefined();
  });

  it('reads durations and sizes with their units, and refuses bare numbers', () => {
    expect(loadConfig({ CACHE_TTL: '90s', CACHE_L1_MAX_BYTES: '1gb' })).toMatchObject({
      CACHE_TTL: 90_000,
      CACHE_L1_MAX_BYTES: 1_073_741_824,
    });
    expect(problems({ CACHE_TTL: '300' })[0]).toContain('unit');
    expect(loadConfig({ CACHE_LEASE_MS: '500' }).CACHE_LEASE_MS).toBe(500);
  });

  it('never repeats a password in a message', () => {
    const found = problems({ DATABASE_URL: 'mysql://root:hunter2@db/x', REDIS_URL: 'http://:hunter2@cache' });
    expect(found).toHaveLength(2);
    expect(found.join()).not.toContain('hunter2');
  });

  it.each([
    ['REDIS_URL', 'redis://localhost:6379/cache'],
    ['REDIS_URL', 'foo'],
    ['REDIS_URL', '127.0.0.1:6379'],
    ['REDIS_SENTINELS', 'a:99999'],
    ['REDIS_URL', 'redis://:50%@localhost'],
    ['CACHE_L1_MAX_BYTES', '0mb'],
    ['DATABASE_POOL_SIZE', '1'],
  ])('refuses %s=%s at start, not on the first request', (name, value) => {
    expect(problems({ [name]: value })).toHaveLength(1);
  });

  it('takes a compression threshold of nothing for "compress everything"', () => {
    expect(loadConfig({ CACHE_COMPRESSION_THRESHOLD: '0b' }).CACHE_COMPRESSION_THRESHOLD).toBe(0);
  });

  it('wants one place for Redis, and a name with Sentinels', () => {
    expect(problems({ REDIS_URL: 'redis://a', REDIS_SENTINELS: 'a:1', REDIS_SENTINEL_NAME: 'm' })[0]).toContain(
      'one of',
    );
    expect(problems({ REDIS_SENTINELS: 'a:26379' })[0]).toContain('REDIS_SENTINEL_NAME');
  });

  it.each(['true', 'false', '1', 'loopback', '10.0.0.0/8, ::1'])('takes TRUST_PROXY=%s', (value) => {
    expect(loadConfig({ TRUST_PROXY: value }).TRUST_PROXY).toBe(value);
  });

  it.each(['nginx', '10.0.0.0/8/8', '1.2.3', '10.0.0.0/99'])('refuses TRUST_PROXY=%s', (value) => {
    expect(problems({ TRUST_PROXY: value })).toHaveLength(1);
  });
});
