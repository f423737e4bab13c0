import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { CACHE_ERROR_CODES, resolveCacheOptions, resolveWarmOptions } from '@strata/cache/core';

const ROOT = join(__dirname, '../..');
const page = (name: string): string => readFileSync(join(ROOT, 'docs/reference', name), 'utf8');

/** First column of the table under a heading. */
function documented(text: string, heading: RegExp): string[] {
  const section = text.split(/^## /m).find((part) => heading.test(part.split('\n', 1)[0]!))!;
  return [...section.matchAll(/^\| `(\w+)` \|/gm)].map((match) => match[1]!);
}

/** Names of the properties an interface declares itself. */
function declared(file: string, name: string): string[] {
  const source = ts.createSourceFile(file, readFileSync(join(ROOT, file), 'utf8'), ts.ScriptTarget.Latest);
  const found = source.statements.find((node) => ts.isInterfaceDeclaration(node) && node.name.text === name);
  return (found as ts.InterfaceDeclaration).members.map((member) => (member.name as ts.Identifier).text);
}

/** Names of what a class shows to everybody. */
function publicMembers(file: string, name: string): string[] {
  const source = ts.createSourceFile(file, readFileSync(join(ROOT, file), 'utf8'), ts.ScriptTarget.Latest, true);
  const found = source.statements.find((node) => ts.isClassDeclaration(node) && node.name?.text === name);
  const isHidden = (node: ts.ClassElement) =>
    ts.isConstructorDeclaration(node) ||
    (ts.getCombinedModifierFlags(node) & ts.ModifierFlags.Private) !== 0 ||
    ts.getJSDocTags(node).some((tag) => tag.tagName.text === 'internal');
  const shown = (found as ts.ClassDeclaration).members.filter((member) => !isHidden(member));
  return shown.map((member) => (member.name as ts.Identifier).text);
}

describe('reference pages', () => {
  it.each([
    [/`TieredCache`/, 'libs/cache/src/core/tiered-cache.ts', 'TieredCache'],
    [/`Strata`/, 'libs/cache/src/core/strata.ts', 'Strata'],
  ])('api.md lists exactly the members under %p', (heading, file, name) => {
    const section = page('api.md')
      .split(/^## /m)
      .find((part) => heading.test(part.split('\n', 1)[0]!))!;
    const listed = [...section.matchAll(/^\| `(\w+)/gm)].map((match) => match[1]!);
    expect(listed.sort()).toEqual(publicMembers(file, name).sort());
  });

  it('decorators.md names what @CacheConfig takes', () => {
    const text = readFileSync(join(ROOT, 'libs/cache/src/nest/decorator-options.ts'), 'utf8');
    const type = /CacheConfigOptions = Pick<([\s\S]*?)>;/.exec(text)![1]!;
    const section = page('decorators.md').split('## `@CacheConfig`')[1]!;
    for (const [, name] of type.matchAll(/'(\w+)'/g)) expect(section).toContain(`\`${name}\``);
  });

  it.each([
    [/EntryOptions/, 'libs/cache/src/core/options.ts', 'EntryOptions'],
    [/ReadOptions/, 'libs/cache/src/core/read-options.ts', 'ReadOptions'],
    [/CacheOptions/, 'libs/cache/src/core/options.ts', 'CacheOptions'],
    [/CacheModuleOptions/, 'libs/cache/src/nest/options.ts', 'CacheModuleOptions'],
    [/WarmOptions/, 'libs/cache/src/core/warming/options.ts', 'WarmOptions'],
  ])('options.md lists exactly the members under %p', (heading, file, name) => {
    expect(documented(page('options.md'), heading).sort()).toEqual(declared(file, name).sort());
  });

  it.each([
    [/\(`CacheableBase`\)/, 'CacheableBase'],
    [/\(`CacheableOptions`\)/, 'CacheableOptions'],
    [/`@CachePut`/, 'CachePutOptions'],
    [/`@CacheEvict`/, 'CacheEvictOptions'],
    [/`@Caching`/, 'CachingOptions'],
  ])('decorators.md lists exactly the members under %p', (heading, name) => {
    const inCode = declared('libs/cache/src/nest/decorator-options.ts', name);
    expect(documented(page('decorators.md'), heading).sort()).toEqual(inCode.sort());
  });

  it('decorators.md has a section or a word for each decorator that is exported', () => {
    const text = readFileSync(join(ROOT, 'libs/cache/src/nest/decorators.ts'), 'utf8');
    const names = [...text.matchAll(/^export (?:function|const) ([A-Z]\w+)/gm)].map((match) => match[1]!);
    expect([...new Set(names)].sort()).toEqual(
      ['CacheConfig', 'CacheEvict', 'CachePut', 'Cacheable', 'Caching', 'InjectCache', 'NoCache'].sort(),
    );
    for (const name of names) expect(page('decorators.md')).toContain(`@${name}`);
  });

  it('options.md names the defaults that the code has', () => {
    const defaults = { ...resolveCacheOptions(), ...resolveWarmOptions() } as unknown as Record<string, unknown>;
    const rows = [...page('options.md').matchAll(/^\| `(\w+)` \| `(\d+)` \|/gm)];
    const checked = rows.filter(([, name]) => name! in defaults);
    expect(checked.length).toBeGreaterThan(10);
    for (const [, name, value] of checked) expect([name, Number(value)]).toEqual([name, defaults[name!]]);
  });

  it('events.md lists exactly the events of the code, with their payloads', () => {
    const file = 'libs/cache/src/core/events.ts';
    const source = ts.createSourceFile(file, readFileSync(join(ROOT, file), 'utf8'), ts.ScriptTarget.Latest);
    const payloads = source.statements.find(
      (node) => ts.isInterfaceDeclaration(node) && node.name.text === 'EventPayloads',
    );
    const inCode = (payloads as ts.InterfaceDeclaration).members.map((member) => {
      const { name, type } = member as ts.PropertySignature;
      const parts = ts.isTypeLiteralNode(type!) ? type.members.map((part) => (part.name as ts.Identifier).text) : [];
      return [(name as ts.Identifier | ts.StringLiteral).text, parts.join()];
    });
    const rows = [...page('events.md').matchAll(/^\| `([a-z.]+)` \| ([^|]*) \|/gm)];
    const inPage = rows.map((row) => [row[1], [...row[2]!.matchAll(/`(\w+)`/g)].map((part) => part[1]).join()]);
    expect(inPage).toEqual(inCode);
  });

  it('negative-tests.md accounts for 1 to 53, and names tests that exist', () => {
    const rows = [...page('negative-tests.md').matchAll(/^\| ([\d, ]+) \| [^|]+ \| (?:`([^`]+)`|–) \| ([^|]+) \|$/gm)];
    const numbers = rows.flatMap(([, list]) => list!.split(', ').map(Number));
    expect(numbers).toEqual(Array.from({ length: 53 }, (_, i) => i + 1));
    const missing = rows.filter(
      ([, , file, title]) => file !== undefined && !readFileSync(join(ROOT, file), 'utf8').includes(title!.trim()),
    );
    expect(missing.map(([row]) => row)).toEqual([]);
  });

  it('errors.md lists exactly the codes of the code', () => {
    const rows = [...page('errors.md').matchAll(/^\| `([A-Z0-9_]+)` \|/gm)].map((match) => match[1]!);
    expect(rows.sort()).toEqual([...CACHE_ERROR_CODES].sort());
  });
});
