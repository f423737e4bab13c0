// What V8's sampler has seen, function by function.
import { table } from './report.mjs';

/** To be imported by the process that is profiled. */
export const PROFILED = new URL('profiled.mjs', import.meta.url).href;

/** Microseconds of each of `count` operations (`what` they are), by the function in which they went; most first. */
export function profileTable(title, profile, count, what, most) {
  const total = profile.timeDeltas.reduce((sum, micros) => sum + micros, 0);
  const rows = microsByFunction(profile)
    .slice(0, most)
    .map(([name, micros]) => [name, (micros / count).toFixed(2), percent(micros / total)]);
  return table(`${title}: ${(total / count).toFixed(1)} µs a ${what}`, ['function', `µs a ${what}`, 'share'], rows);
}

/** Time in each function itself, most first. */
function microsByFunction({ nodes, samples, timeDeltas }) {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const micros = new Map();
  samples.forEach((id, i) => {
    const name = names.get(id);
    micros.set(name, (micros.get(name) ?? 0) + timeDeltas[i]);
  });
  return [...micros].sort(([, a], [, b]) => b - a);
}

function nameOf({ functionName, url, lineNumber }) {
  const file = url.split('/').slice(-2).join('/');
  return `${functionName || 'anonymous'}${file === '' ? '' : ` (${file}:${lineNumber + 1})`}`;
}

function percent(share) {
  return `${(100 * share).toFixed(1)} %`;
}
