import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { ENVIRONMENT } from '../../apps/api/src/config/config';

const ROOT = join(__dirname, '../..');
const text = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

interface ComposeService {
  image: string;
  build?: { context: string; dockerfile: string };
  environment?: Record<string, string>;
  ports?: string[];
  volumes?: string[];
  depends_on?: Record<string, unknown> | string[];
  healthcheck?: { test?: string[]; disable?: boolean };
  restart?: string;
  deploy?: { resources: { limits: { cpus: string; memory: string } } };
  command?: string[];
}

const compose = parse(text('docker-compose.yml'), { merge: true }) as {
  services: Record<string, ComposeService>;
  volumes: Record<string, unknown>;
};
const services = Object.entries(compose.services);

describe('compose file', () => {
  it('starts two instances behind nginx, with everything they need', () => {
    expect(Object.keys(compose.services).sort()).toEqual([
      'api-1',
      'api-2',
      'grafana',
      'nginx',
      'postgres',
      'prometheus',
      'redis',
      'setup',
    ]);
    const ports = services
      .flatMap(([, service]) => service.ports ?? [])
      .map((port) => port.split(':').slice(-2).join(':'));
    expect(ports.sort()).toEqual(['3000:3000', '5432:5432', '6379:6379', '8000:8000', '9090:9090']);
  });

  it.each(services)('%s has a pinned image, limits, a health check and a restart policy', (name, service) => {
    expect(service.image).toMatch(/:[\w.-]+$/);
    expect(service.image).not.toMatch(/:latest$/);
    expect(service.restart).toMatch(/^(unless-stopped|on-failure)$/);
    if (name === 'setup') return;
    expect(service.deploy!.resources.limits).toEqual({ cpus: expect.any(String), memory: expect.any(String) });
    const inImage = service.build !== undefined && text(service.build.dockerfile).includes('HEALTHCHECK');
    expect(service.healthcheck?.test !== undefined || inImage).toBe(true);
  });

  it('mounts only files that are here and volumes that are named', () => {
    for (const [, service] of services) {
      for (const volume of service.volumes ?? []) {
        const [source] = volume.split(':');
        if (source!.startsWith('.')) expect([source, existsSync(join(ROOT, source!))]).toEqual([source, true]);
        else expect(Object.keys(compose.volumes)).toContain(source);
      }
    }
  });

  it('waits only for services that exist', () => {
    for (const [, { depends_on: needs = [] }] of services) {
      for (const name of Array.isArray(needs) ? needs : Object.keys(needs))
        expect(compose.services).toHaveProperty([name]);
    }
  });

  it('sets only variables that the service knows, to values that it accepts', () => {
    const known = Object.keys(ENVIRONMENT.shape);
    const environment = Object.fromEntries(
      Object.entries(compose.services['api-1']!.environment!).map(([name, value]) => [
        name,
        value.replace(/\$\{\w+:-([^}]*)\}/g, '$1'),
      ]),
    );
    expect(Object.keys(environment).filter((name) => !known.includes(name))).toEqual([]);
    expect(ENVIRONMENT.safeParse(environment).success).toBe(true);
    expect(new URL(environment['DATABASE_URL']!).hostname).toBe('postgres');
    expect(new URL(environment['REDIS_URL']!).hostname).toBe('redis');
  });

  it('lets nginx and Prometheus reach the instances where they listen', () => {
    const upstreams = [...text('docker/nginx/nginx.conf').matchAll(/server (api-\d:\d+)/g)].map((match) => match[1]);
    const scraped = parse(text('docker/prometheus/prometheus.yml')) as {
      scrape_configs: { static_configs: { targets: string[] }[] }[];
    };
    expect(upstreams).toEqual(['api-1:8000', 'api-2:8000']);
    expect(scraped.scrape_configs[0]!.static_configs[0]!.targets).toEqual(upstreams);
    expect(text('docker/Dockerfile')).toMatch(/PORT=8000/);
    const source = parse(text('docker/grafana/provisioning/datasources/prometheus.yml')) as {
      datasources: { url: string }[];
    };
    expect(source.datasources[0]!.url).toBe('http://prometheus:9090');
  });
});

describe('Dockerfile', () => {
  const dockerfile = text('docker/Dockerfile');

  it('copies only what is here and what .dockerignore lets through', () => {
    const allowed = text('.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1));
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap((match) => match[1]!.split(' '));
    for (const path of copied) {
      expect([path, existsSync(join(ROOT, path))]).toEqual([path, true]);
      expect(allowed).toContain(path);
    }
  });

  it('runs as a user without rights, without development dependencies', () => {
    const final = dockerfile.split(/^FROM /m).at(-1)!;
    expect(final).toMatch(/^USER node$/m);
    expect(dockerfile).toMatch(/npm ci --omit=dev/);
    expect(final).not.toMatch(/npm ci/);
  });

  it('runs scripts that the build makes', () => {
    const commands = [dockerfile, compose.services['setup']!.command!.join(' ')].join(' ');
    for (const [, path] of commands.matchAll(/dist\/(apps\/api\/src\/\S+?)\.js/g)) {
      expect([path, existsSync(join(ROOT, `${path}.ts`))]).toEqual([path, true]);
    }
  });
});

describe('Grafana dashboard', () => {
  it('asks only for metrics that the code exposes', () => {
    const dashboard = JSON.parse(text('docker/grafana/dashboards/strata.json')) as {
      panels: { targets: { expr: string }[] }[];
    };
    // Held to what the service shows by `test/e2e/metrics.spec.ts`.
    const known = text('docs/reference/metrics.md');
    const asked = dashboard.panels.flatMap((panel) =>
      panel.targets.flatMap((target) => target.expr.match(/\b(cache|http)_[a-z0-9_]+/g) ?? []),
    );
    expect(asked.length).toBeGreaterThan(10);
    for (const name of new Set(asked)) expect(known).toContain(`\`${name.replace(/_(bucket|count|sum)$/, '')}\``);
  });

  it('draws every chart in its own place, with a title of its own', () => {
    const { panels } = JSON.parse(text('docker/grafana/dashboards/strata.json')) as {
      panels: { id: number; title: string; gridPos: { x: number; y: number; w: number; h: number } }[];
    };
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    expect(new Set(panels.map(({ title }) => title)).size).toBe(panels.length);
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, n) => `${x + (n % w)},${y + Math.floor(n / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
  });
});

describe('Prometheus rules', () => {
  const { groups } = parse(text('docker/prometheus/rules.yml')) as {
    groups: { rules: { alert?: string; expr: string; annotations?: Record<string, string> }[] }[];
  };
  const rules = groups.flatMap((group) => group.rules);
  const alerts = rules.filter(({ alert }) => alert !== undefined);

  it('ask only for metrics that the code exposes', () => {
    const known = text('docs/reference/metrics.md');
    const asked = rules.flatMap(({ expr }) => expr.match(/\b(cache|http|database)_[a-z0-9_]+/g) ?? []);
    expect(asked.length).toBeGreaterThan(10);
    for (const name of new Set(asked)) expect(known).toContain(`\`${name.replace(/_(bucket|count|sum)$/, '')}\``);
  });

  it('have an entry in the runbook each, the link of the alert leads there, and no entry is without an alert', () => {
    const headings = [...text('docs/operations/runbook.md').matchAll(/^## (\w+)$/gm)].map((match) => match[1]);
    expect(headings).toEqual(alerts.map(({ alert }) => alert));
    for (const { alert, annotations } of alerts)
      expect(annotations!['runbook_url']).toBe(`docs/operations/runbook.md#${alert!.toLowerCase()}`);
  });

  it('are what compose mounts, and what it mounts is here', () => {
    const mounted = (compose.services['prometheus'] as unknown as { volumes: string[] }).volumes;
    const files = mounted.filter((volume) => volume.startsWith('./')).map((volume) => volume.split(':')[0]!);
    expect(files).toContain('./docker/prometheus/rules.yml');
    for (const file of files) expect([file, existsSync(join(ROOT, file))]).toEqual([file, true]);
  });
});
