export { KeyValueRemoteStore } from './key-value-remote-store';
export { keyValueStore, type KeyValueStore } from './key-value-store';
export type { GuardOptions } from './guarded-store';
