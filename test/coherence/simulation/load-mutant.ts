import { transformSync } from '@swc/core';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Library } from './fleet';
import type { Edit } from './mutants/mutant';

const SOURCES = join(__dirname, '../../../libs/cache/src');
const ROOMS = ['core', 'drivers/memory'];

const OPTIONS = {
  jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
  module: { type: 'commonjs' },
} as const;

const compiled = new Map<string, string>();

/**
 * A copy of the engine in `folder`, with `edits` made to its sources. Every edit must find its text exactly
 * once, so that a rule that was rewritten cannot silently stay on.
 */
export function loadMutant(edits: readonly Edit[], folder: string, load: (path: string) => unknown): Library {
  for (const { file, from } of edits) {
    const found = readFileSync(join(SOURCES, file), 'utf8').split(from).length - 1;
    if (found !== 1) throw new Error(`${file} has ${found} times instead of once: ${from}`);
  }
  for (const file of ROOMS.flatMap(sourcesIn)) {
    const path = join(folder, file.replace(/\.ts$/, '.js'));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, compile(file, edits));
  }
  const { Strata } = load(join(folder, 'core/strata.js')) as Pick<Library, 'Strata'>;
  const { CacheError } = load(join(folder, 'core/errors.js')) as Pick<Library, 'CacheError'>;
  const { LruLocalStore } = load(join(folder, 'drivers/memory/lru-local-store.js')) as Pick<Library, 'LruLocalStore'>;
  return { Strata, CacheError, LruLocalStore };
}

function sourcesIn(room: string): string[] {
  return readdirSync(join(SOURCES, room), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.spec.ts'))
    .map((name) => join(room, name));
}

function compile(file: string, edits: readonly Edit[]): string {
  const own = edits.filter((edit) => edit.file === file);
  const known = own.length === 0 ? compiled.get(file) : undefined;
  if (known !== undefined) return known;
  const source = readFileSync(join(SOURCES, file), 'utf8');
  const edited = own.reduce((text, { from, to }) => text.replace(from, () => to), source);
  const { code } = transformSync(edited, OPTIONS);
  if (own.length === 0) compiled.set(file, code);
  return code;
}
