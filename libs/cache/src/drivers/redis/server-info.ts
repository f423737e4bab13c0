/** Who answers, in its own words. */
export interface ServerInfo {
  /** Made anew at each start of the server. */
  readonly run: string;
  /** Of Redis; Valkey names the version of Redis that it stands for. */
  readonly majorVersion: number;
  /** A replica outside a cluster: what it says lags behind its master, and it says it all the same. */
  readonly lags: boolean;
}

/**
 * @param server section `server` of `INFO`
 * @param replication section `replication` of `INFO`
 */
export function serverInfo(server: string, replication: string): ServerInfo {
  // Valkey says `server_mode`.
  const isOfCluster = /^(?:redis|server)_mode:cluster/m.test(server);
  return {
    run: /^run_id:(\w+)/m.exec(server)?.[1] ?? 'unknown',
    majorVersion: Number(/^redis_version:(\d+)/m.exec(server)?.[1] ?? 0),
    lags: /^role:slave/m.test(replication) && !isOfCluster,
  };
}
