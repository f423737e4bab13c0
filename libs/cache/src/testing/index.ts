export { FakeClock, settle } from './fake-clock';
export { Gate } from './gate';
