import { existsSync, readdirSync, readFileSync } from 'node:fs';

// Nest 12 is ESM only and Jest cannot require ESM before Node 24.9: the tests run as CommonJS, and every
// installed package that is ESM is transformed like our own sources.
const folders = (path) => (existsSync(path) ? readdirSync(path) : []);
const isEsm = (name) => {
  const manifest = `node_modules/${name}/package.json`;
  return existsSync(manifest) && JSON.parse(readFileSync(manifest, 'utf8')).type === 'module';
};
const esmPackages = folders('node_modules')
  .flatMap((name) => (name.startsWith('@') ? folders(`node_modules/${name}`).map((sub) => `${name}/${sub}`) : [name]))
  .filter(isEsm)
  .join('|');

const shared = {
  testEnvironment: 'node',
  moduleFileExtensions: ['ts', 'mjs', 'js', 'json'],
  transform: {
    '^.+\\.(ts|mjs|js)$': [
      '@swc/jest',
      {
        jsc: {
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
          target: 'es2022',
          keepClassNames: true,
        },
        module: { type: 'commonjs' },
        sourceMaps: 'inline',
      },
    ],
  },
  transformIgnorePatterns: [`/node_modules/(?!(${esmPackages})/)`],
  moduleNameMapper: {
    '^@strata/cache$': '<rootDir>/libs/cache/src/index.ts',
    '^@strata/cache/core$': '<rootDir>/libs/cache/src/core/index.ts',
    '^@strata/cache/redis$': '<rootDir>/libs/cache/src/drivers/redis/index.ts',
    '^@strata/cache/testing$': '<rootDir>/libs/cache/src/testing/index.ts',
    '^@strata/metrics$': '<rootDir>/libs/metrics/src/index.ts',
  },
  modulePathIgnorePatterns: ['<rootDir>/dist/'],
};

const project = (displayName, testMatch, extra = {}) => ({ ...shared, displayName, testMatch, ...extra });

const onPostgres = {
  globalSetup: '<rootDir>/test/support/postgres.global-setup.ts',
  globalTeardown: '<rootDir>/test/support/postgres.global-teardown.ts',
};
// The browser tests need a Chromium and have a command of their own.
const withBrowser = process.argv.includes('browser');

export default {
  maxWorkers: 2,
  projects: [
    project('unit', ['<rootDir>/{libs,apps}/**/*.spec.ts']),
    project('contract', ['<rootDir>/test/contract/**/*.spec.ts']),
    project('integration', ['<rootDir>/test/{integration,conformance}/**/*.spec.ts']),
    project('coherence', ['<rootDir>/test/coherence/**/*.spec.ts'], onPostgres),
    project('e2e', ['<rootDir>/test/e2e/**/*.spec.ts'], onPostgres),
    project('operations', ['<rootDir>/test/operations/**/*.spec.ts'], onPostgres),
    ...(withBrowser ? [project('browser', ['<rootDir>/test/browser/**/*.spec.ts'], onPostgres)] : []),
  ],
  testTimeout: Number(process.env.COHERENCE_SECONDS ?? 30) * 1000 + 30000,
};
