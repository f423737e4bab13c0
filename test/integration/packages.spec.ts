import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RedisServer } from '../support/redis-server';

const ROOT = join(__dirname, '../..');
const PACKAGES = join(ROOT, 'dist/packages');
const LIBRARIES = ['cache', 'metrics'];

interface Manifest {
  readonly version: string;
  readonly dependencies: Record<string, string>;
  readonly devDependencies?: Record<string, string>;
  readonly peerDependencies: Record<string, string>;
}

const manifestOf = (folder: string) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;

const run = (folder: string, script: string, args: string[], env: NodeJS.ProcessEnv = process.env) =>
  execFileSync(process.execPath, [script, ...args], { cwd: folder, env, encoding: 'utf8' });

describe('npm run pack', () => {
  let application: string;
  const library = (name: string) => join(application, 'node_modules/@strata', name);

  beforeAll(() => {
    run(ROOT, 'tools/pack.mjs', []);
    application = mkdtempSync(join(tmpdir(), 'strata-packed-'));
    mkdirSync(join(application, 'node_modules/@strata'), { recursive: true });
    for (const name of readdirSync(join(ROOT, 'node_modules')))
      symlinkSync(join(ROOT, 'node_modules', name), join(application, 'node_modules', name));
    for (const name of LIBRARIES) {
      mkdirSync(library(name));
      const file = join(PACKAGES, `strata-${name}-${manifestOf(join(ROOT, 'libs', name)).version}.tgz`);
      execFileSync('tar', ['-xzf', file, '--strip-components=1', '-C', library(name)]);
    }
  }, 120_000);

  afterAll(() => rmSync(application, { recursive: true }));

  it.each(LIBRARIES)('asks in %s for what it imports, in the versions that the tests run on', (name) => {
    const lib = join(library(name), 'lib');
    const files = readdirSync(lib, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.js'));
    const texts = files.map((file) => readFileSync(join(lib, file), 'utf8'));
    const imported = texts.flatMap((text) =>
      [...text.matchAll(/require\("([^."][^"]*)"\)/g)].map((match) => match[1]!),
    );
    const names = imported.filter((one) => !isBuiltin(one));
    expect(names).not.toHaveLength(0);

    const { dependencies, peerDependencies } = manifestOf(library(name));
    const asked = { ...dependencies, ...peerDependencies };
    expect(Object.keys(asked)).toEqual(expect.arrayContaining(names));
    const own = { '@strata/cache': `^${manifestOf(join(ROOT, 'libs/cache')).version}` };
    expect({ ...manifestOf(ROOT).dependencies, ...own }).toMatchObject(asked);
  });

  it.each(LIBRARIES)('holds no tests and no sources of %s', (name) => {
    const files = readdirSync(library(name), { recursive: true, encoding: 'utf8' });
    expect(files).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'lib/index.js', 'lib/index.d.ts']));
    expect(files.filter((file) => /\.spec\.|(?<!\.d)\.ts$/.test(file))).toEqual([]);
  });

  it('gives an application all it needs: types, decorators, metrics, the engine by itself', async () => {
    cpSync(join(ROOT, 'test/samples'), join(application, 'samples'), { recursive: true });
    const { compilerOptions } = JSON.parse(readFileSync(join(ROOT, 'tsconfig.json'), 'utf8')) as {
      compilerOptions: object;
    };
    const own = { rootDir: 'samples', outDir: 'built', paths: {}, types: ['node'] };
    writeFileSync(
      join(application, 'tsconfig.json'),
      JSON.stringify({ compilerOptions: { ...compilerOptions, ...own }, include: ['samples'] }),
    );
    run(application, 'node_modules/typescript/bin/tsc', []);

    const redis = await RedisServer.start();
    try {
      const printed = run(application, 'built/packed/main.js', [], { ...process.env, REDIS_URL: redis.url });
      expect(JSON.parse(printed)).toEqual({
        statuses: ['strata; fwd=uri-miss; stored', expect.stringMatching(/^strata; hit; ttl=\d+; detail=L1$/)],
        hasMetrics: true,
        exported: ['isCacheError', 'Strata', 'RedisLink', 'MemoryFleet'],
      });
    } finally {
      await redis.stop();
    }
  }, 120_000);
});
