export { FakeClock, settle } from './fake-clock';
export { Gate } from './gate';
export { localStrata } from './local-strata';
