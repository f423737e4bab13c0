import { serverInfo } from './server-info';

const REDIS = '# Server\r\nredis_version:7.0.15\r\nredis_mode:standalone\r\nrun_id:a1b2\r\ntcp_port:6379\r\n';
const VALKEY =
  '# Server\r\nredis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.1.1\r\nserver_mode:standalone\r\nrun_id:c3d4\r\n';
const MASTER = '# Replication\r\nrole:master\r\nconnected_slaves:1\r\n';
const REPLICA = '# Replication\r\nrole:slave\r\nmaster_host:127.0.0.1\r\n';
const ofCluster = (info: string): string => info.replace('_mode:standalone', '_mode:cluster');

describe('serverInfo', () => {
  it.each([
    ['Redis', REDIS, { run: 'a1b2', majorVersion: 7 }],
    ['Valkey', VALKEY, { run: 'c3d4', majorVersion: 7 }],
  ])('reads what %s says; a replica lags unless it is of a cluster, where it answers with MOVED', (_, info, who) => {
    expect(serverInfo(info, MASTER)).toEqual({ ...who, lags: false });
    expect(serverInfo(info, REPLICA)).toEqual({ ...who, lags: true });
    expect(serverInfo(ofCluster(info), REPLICA)).toEqual({ ...who, lags: false });
  });

  it('of a server that does not say it: no version, and a run that is unknown', () => {
    expect(serverInfo('', '')).toEqual({ run: 'unknown', majorVersion: 0, lags: false });
  });
});
