import { connectionOptions } from './connection';

describe('connectionOptions', () => {
  it('speaks TLS to the master that Sentinels name, and to the Sentinels, and verifies both', () => {
    const options = connectionOptions({
      sentinels: { addresses: [{ host: 'a', port: 26_379 }], name: 'main' },
      tls: true,
      password: 'x',
    });
    expect(options).toMatchObject({ tls: {}, enableTLSForSentinelMode: true, sentinelTLS: {} });
    expect(JSON.stringify(options)).not.toContain('rejectUnauthorized');
  });

  it.each([{ url: 'rediss://u:p@h:1/2' }, { node: { host: 'h', port: 1 }, tls: true }])(
    'verifies the certificate of %j',
    (target) => {
      expect(connectionOptions(target).tls).toEqual({});
    },
  );

  it('uses no TLS where none is asked for', () => {
    const options = connectionOptions({ sentinels: { addresses: [{ host: 'a', port: 1 }], name: 'main' } });
    expect(options.tls ?? options.sentinelTLS ?? options.enableTLSForSentinelMode).toBeUndefined();
  });
});
