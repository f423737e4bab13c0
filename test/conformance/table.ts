import type { Case } from './case';

/** Markdown of what the cases come to. The tests fail where a line of it is not true. */
export function conformanceTable(cases: readonly Case[]): string {
  const kinds = ['required', 'optimal', 'check'] as const;
  const count = (kind: Case['kind'], differs: boolean): number =>
    cases.filter((one) => one.kind === kind && (one.differs !== undefined) === differs).length;
  const summary = kinds.map((kind) => `| ${kind} | ${count(kind, false)} | ${count(kind, true)} |`);
  const rows = cases.map(({ id, kind, differs }) => `| \`${id}\` | ${kind} | ${differs ?? 'passes'} |`);
  return [
    '| kind | pass | differ on purpose |',
    '| --- | --- | --- |',
    ...summary,
    '',
    '| id | kind | here |',
    '| --- | --- | --- |',
    ...rows,
  ].join('\n');
}
