export { busContract, type BusEnd, type OpenEnd } from './bus.contract';
export { chaosBus, chaosStore, unreachable, type BusChaos, type StoreChaos, type StoreOperation } from './chaos';
export { FakeClock, settle } from './fake-clock';
export { Gate } from './gate';
export { localStrata } from './local-strata';
export { MemoryFleet } from './memory-fleet';
export { remoteStoreContract, type ContractCase } from './remote-store.contract';
