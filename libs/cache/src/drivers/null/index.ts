import type { Bus } from '../../core/ports/bus';
import type { RemoteStore } from '../../core/ports/remote-store';

const EPOCH = '0000000000000000';

/** No L2: versions are counted in the process, entries live in L1 alone. For the coherence mode `off`. */
export function nullRemoteStore(): RemoteStore {
  let seq = 0;
  const head = (): { epoch: string; seq: number } => ({ epoch: EPOCH, seq });
  const nothing = async (): Promise<void> => undefined;
  return {
    available: true,
    holdsEntries: false,
    read: async (_key, tags) => ({ bytes: undefined, head: head(), versions: tags.map(() => undefined) }),
    readTags: async (tags) => ({ head: head(), versions: tags.map(() => undefined) }),
    grant: async () => ({ ...head(), granted: true }),
    fill: async () => false,
    release: nothing,
    invalidate: async () => {
      seq++;
      return { ...head(), members: new Map() };
    },
    heartbeat: async () => ({ head: head(), unknownMember: undefined, members: 1 }),
    removeMember: nothing,
  };
}

/** No other instance to talk to. */
export function nullBus(): Bus {
  return {
    start: () => undefined,
    acknowledge: () => undefined,
    reconnect: () => undefined,
    close: async () => undefined,
  };
}
