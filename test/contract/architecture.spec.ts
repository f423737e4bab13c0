import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import ts from 'typescript';

const ROOT = join(__dirname, '../..');

/** Room → rooms it may import from, besides itself. `docs/architecture.md` draws the same arrows. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  'libs/cache/src/core': [],
  'libs/cache/src/drivers/key-value': ['libs/cache/src/core'],
  'libs/cache/src/drivers/memory': ['libs/cache/src/core'],
  'libs/cache/src/drivers/null': ['libs/cache/src/core'],
  'libs/cache/src/drivers/redis': ['libs/cache/src/core'],
  'libs/cache/src/drivers/serializers': ['libs/cache/src/core'],
  'libs/cache/src/interop': ['libs/cache/src/core', 'libs/cache/src/drivers/redis'],
  'libs/cache/src/http': [],
  'libs/cache/src/nest': [
    'libs/cache/src/core',
    'libs/cache/src/drivers',
    'libs/cache/src/interop',
    'libs/cache/src/http',
  ],
  'libs/cache/src/testing': ['libs/cache/src/core', 'libs/cache/src/drivers'],
  'libs/cache/src/index.ts': [
    'libs/cache/src/core',
    'libs/cache/src/nest',
    'libs/cache/src/http',
    'libs/cache/src/drivers/key-value',
    'libs/cache/src/drivers/serializers',
  ],
  'libs/metrics/src': ['libs/cache/src/index'],
  'apps/api/src': ['libs/cache/src/index', 'libs/cache/src/drivers/redis/index', 'libs/metrics/src/index'],
};

/** Room → packages it may import from. Node's own modules are free to all. */
const PACKAGES: Readonly<Record<string, RegExp>> = {
  'libs/cache/src/core': /^$/,
  'libs/cache/src/drivers/key-value': /^$/,
  'libs/cache/src/drivers/memory': /^lru-cache$/,
  'libs/cache/src/drivers/null': /^$/,
  'libs/cache/src/drivers/redis': /^(ioredis|cluster-key-slot)$/,
  'libs/cache/src/drivers/serializers': /^superjson$/,
  'libs/cache/src/interop': /^(cache-manager|keyv|cache-manager-ioredis-yet|ioredis)$/,
  'libs/cache/src/http': /^$/,
  'libs/cache/src/nest': /^(@nestjs\/|rxjs$|lru-cache$)/,
  'libs/cache/src/testing': /^$/,
  'libs/cache/src/index.ts': /^$/,
};

const sources = ['libs', 'apps']
  .flatMap((folder) => files(join(ROOT, folder)))
  .filter((file) => !file.endsWith('.spec.ts'));

describe('architecture', () => {
  it('every source file lives in a room', () => {
    expect(sources.length).toBeGreaterThan(50);
    expect(sources.filter((file) => roomOf(file) === undefined)).toEqual([]);
  });

  it('arrows between rooms run one way', () => {
    const wrong = sources.flatMap((file) => {
      const room = roomOf(file)!;
      const allowed = [room, ...ARROWS[room]!];
      return importsOf(file)
        .map((name) => targetOf(file, name))
        .filter((target) => target !== undefined && !allowed.some((place) => target.startsWith(place)))
        .map((target) => `${file} → ${target}`);
    });
    expect(wrong).toEqual([]);
  });

  it('each room knows only the packages it is there for', () => {
    const wrong = sources.flatMap((file) => {
      const allowed = PACKAGES[roomOf(file)!];
      if (allowed === undefined) return [];
      const packages = importsOf(file).filter((name) => !/^[.]|^node:|^@strata\//.test(name));
      return packages.filter((name) => !allowed.test(name)).map((name) => `${file} imports ${name}`);
    });
    expect(wrong).toEqual([]);
  });

  it('only the configuration reads the environment, and only the clock reads the time in the core', () => {
    const reads = (pattern: RegExp, where: (file: string) => boolean): string[] =>
      sources.filter((file) => where(file) && pattern.test(readFileSync(join(ROOT, file), 'utf8')));
    expect(reads(/process\.env/, (file) => file.startsWith('libs/'))).toEqual([]);
    expect(reads(/process\.env/, (file) => file.startsWith('apps/')).sort()).toEqual([
      'apps/api/src/config/config.ts',
      'apps/api/src/embedded/find-executable.ts',
      'apps/api/src/embedded/tethered-process.ts',
    ]);
    const timed = reads(/Date\.now\(|performance\.now\(|setTimeout\(/, (file) =>
      file.startsWith('libs/cache/src/core/'),
    );
    expect(timed).toEqual(['libs/cache/src/core/ports/clock.ts']);
  });

  it('no file outgrows its room', () => {
    const long = sources.filter((file) => readFileSync(join(ROOT, file), 'utf8').split('\n').length > 250);
    expect(long).toEqual([]);
  });
});

function files(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => relative(ROOT, join(folder, name)));
}

function roomOf(file: string): string | undefined {
  return Object.keys(ARROWS).find((room) => file.startsWith(room));
}

function importsOf(file: string): string[] {
  const { importedFiles } = ts.preProcessFile(readFileSync(join(ROOT, file), 'utf8'), true, true);
  return importedFiles.map((imported) => imported.fileName);
}

const ALIASES: Readonly<Record<string, string>> = {
  '@strata/cache': 'libs/cache/src/index',
  '@strata/cache/core': 'libs/cache/src/core/index',
  '@strata/cache/redis': 'libs/cache/src/drivers/redis/index',
  '@strata/cache/testing': 'libs/cache/src/testing/index',
  '@strata/metrics': 'libs/metrics/src/index',
};

/** Path of an import inside the repository; `undefined` for a package. */
function targetOf(file: string, name: string): string | undefined {
  if (name.startsWith('.')) return relative(ROOT, join(ROOT, file, '..', name));
  return ALIASES[name];
}
