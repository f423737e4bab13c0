// Loaded into the process that is profiled: starts and ends the profile of V8 when its parent says so.
import inspector from 'node:inspector/promises';

const session = new inspector.Session();
session.connect();
process.on('message', async (what) => {
  if (what === 'begin') {
    await session.post('Profiler.enable');
    await session.post('Profiler.setSamplingInterval', { interval: 200 });
    await session.post('Profiler.start');
  }
  if (what === 'end') process.send((await session.post('Profiler.stop')).profile);
});
