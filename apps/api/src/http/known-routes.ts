/** Remembers which methods each path answers, so that a wrong method is 405 with `Allow`, not 404. */
export class KnownRoutes {
  private readonly routes: { pattern: RegExp; methods: Set<string> }[] = [];
  private readonly byUrl = new Map<string, Set<string>>();

  add(url: string, methods: readonly string[]): void {
    let known = this.byUrl.get(url);
    if (known === undefined) {
      known = new Set();
      this.byUrl.set(url, known);
      if (!url.includes('*')) this.routes.push({ pattern: toPattern(url), methods: known });
    }
    for (const method of methods) known.add(method);
  }

  /** Methods that `path` answers; empty when it is not known. */
  allowed(path: string): string[] {
    const methods = new Set<string>();
    for (const route of this.routes) if (route.pattern.test(path)) route.methods.forEach((m) => methods.add(m));
    return [...methods].sort();
  }
}

function toPattern(url: string): RegExp {
  const escaped = url.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replace(/:[A-Za-z]+/g, '[^/]+');
  return new RegExp(`^${escaped}$`);
}
