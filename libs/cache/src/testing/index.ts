export { FakeClock, settle } from './fake-clock';
export { Gate } from './gate';
export { localStrata } from './local-strata';
export { MemoryFleet } from './memory-fleet';
export { remoteStoreContract, type ContractCase } from './remote-store.contract';
