import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ENVIRONMENT, loadConfig } from '../../apps/api/src/config/config';

const ROOT = join(__dirname, '../..');
const text = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const documents = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...markdown('docs')];

describe('documents', () => {
  it('the configuration table and .env.example name every variable, and no other', () => {
    const variables = Object.keys(ENVIRONMENT.shape).sort();
    const table = [...text('docs/reference/configuration.md').matchAll(/^\| `([A-Z0-9_]+)` \|/gm)].map(
      (match) => match[1]!,
    );
    const example = [...text('.env.example').matchAll(/^#? ?([A-Z0-9_]+)=/gm)].map((match) => match[1]!);
    expect(table.sort()).toEqual(variables);
    expect(example.sort()).toEqual(variables);
  });

  it('the configuration table tells the defaults that the code has', () => {
    const usual = loadConfig({}) as Record<string, unknown>;
    const rows = [...text('docs/reference/configuration.md').matchAll(/^\| `([A-Z0-9_]+)` \| (?:`([^`]+)`|none) \|/gm)];
    expect(rows).toHaveLength(Object.keys(ENVIRONMENT.shape).length);
    const told = rows.map(([, name, value]) => [
      name,
      value && (loadConfig({ [name!]: value }) as Record<string, unknown>)[name!],
    ]);
    expect(told).toEqual(rows.map(([, name]) => [name, usual[name!]]));
  });

  it('.env.example is a configuration that the service accepts, commented lines included', () => {
    const lines = [...text('.env.example').matchAll(/^#? ?([A-Z0-9_]+)=(.*)$/gm)].map((match) => [
      match[1]!,
      match[2]!,
    ]);
    const without = (names: string[]): Record<string, string> =>
      Object.fromEntries(lines.filter(([name]) => !names.includes(name!)));
    const credentials = ['REDIS_USERNAME', 'REDIS_PASSWORD', 'REDIS_TLS'];
    const sentinels = ['REDIS_SENTINELS', 'REDIS_SENTINEL_NAME'];
    expect(() => loadConfig(without(['REDIS_CLUSTER_NODES', ...sentinels, ...credentials]))).not.toThrow();
    expect(() => loadConfig(without(['REDIS_URL', 'REDIS_CLUSTER_NODES']))).not.toThrow();
    expect(() => loadConfig(without(['REDIS_URL', ...sentinels]))).not.toThrow();
  });

  it.each(documents)('%s links only to files that are here', (document) => {
    const links = [...text(document).matchAll(/\]\((?!https?:|#|mailto:)([^)#]+)(#[^)]*)?\)/g)].map(
      (match) => match[1]!,
    );
    for (const link of links) {
      const path = join(dirname(document), link);
      expect([path, existsSync(join(ROOT, path))]).toEqual([path, true]);
    }
  });

  it('README and CONTRIBUTING name only commands that exist', () => {
    const { scripts } = JSON.parse(text('package.json')) as { scripts: Record<string, string> };
    const named = ['README.md', 'CONTRIBUTING.md', ...markdown('docs')].flatMap((document) =>
      [...text(document).matchAll(/npm (?:run ([\w:]+)|(start|test)\b)/g)].map((match) => match[1] ?? match[2]!),
    );
    expect(named.filter((name) => scripts[name] === undefined)).toEqual([]);
  });
});

function markdown(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name));
}
