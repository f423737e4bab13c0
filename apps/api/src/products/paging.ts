import type { ListQuery } from './product.schemas';

/** `Link` header of a page (RFC 8288): first, prev, next and last as relative references. */
export function pageLinks(path: string, query: ListQuery, total: number): string {
  const { limit, offset } = query;
  const lastOffset = total === 0 ? 0 : Math.floor((total - 1) / limit) * limit;
  const targets: [string, number][] = [['first', 0]];
  if (offset > 0) targets.push(['prev', Math.max(0, Math.min(offset - limit, lastOffset))]);
  if (offset + limit < total) targets.push(['next', offset + limit]);
  targets.push(['last', lastOffset]);
  return targets.map(([relation, at]) => `<${path}?${pageQuery(query, at)}>; rel="${relation}"`).join(', ');
}

function pageQuery(query: ListQuery, offset: number): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries({ ...query, offset })) {
    if (value !== undefined) parameters.set(name, String(value));
  }
  return parameters.toString();
}
