import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { BrowserContext, Page } from 'playwright-core';
import { openBrowser } from './open-browser';

describe('the report of the load test in Chromium', () => {
  const folder = mkdtempSync(join(tmpdir(), 'strata-load-report-'));
  const file = join(folder, 'load.html');
  const asked: string[] = [];
  let context: BrowserContext;
  let page: Page;
  let printed: string;

  beforeAll(async () => {
    const command = ['run', 'load', '--', '--rate', '60', '--duration', '3', '--report', file];
    // Its verdict is not asked for: in three seconds on a busy machine a floor may be missed.
    const run = spawnSync('npm', command, { encoding: 'utf8', timeout: 150_000 });
    printed = `${run.stdout}${run.stderr}`;
    context = await openBrowser(join(folder, 'profile'));
    page = await context.newPage();
    page.setDefaultTimeout(5_000);
    page.on('request', (request) => asked.push(request.url()));
    await page.goto(pathToFileURL(file).href);
  }, 200_000);

  afterAll(async () => {
    await context?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const textsOf = (id: string) => page.locator(`#${id} svg text`).allTextContents();

  it('needs nothing but itself, and no script', async () => {
    expect(printed).toContain('hit rate');
    expect(asked).toEqual([pathToFileURL(file).href]);
    await expect(page.locator('script').count()).resolves.toBe(0);
  });

  it('says what was done, and the verdict', async () => {
    await expect(page.locator('h1').textContent()).resolves.toBe('Strata load test');
    await expect(page.locator('body').innerText()).resolves.toMatch(/60 requests a second in an open loop/);
    await expect(page.locator('#verdict').innerText()).resolves.toMatch(/Passed|hit rate|mean/);
  });

  it('has the table of both phases and of each kind', async () => {
    const rows = await page.locator('#latencies tbody tr').allInnerTexts();
    expect(rows.filter((row) => /^cache (on|off)/.test(row))).toHaveLength(2);
    for (const kind of ['product', 'list', 'stats']) expect(rows.filter((row) => row.startsWith(kind))).toHaveLength(2);
    const cells = rows[0]!.split('\t');
    expect(Number(cells[1])).toBeGreaterThan(100);
    const [mean, p50, , , , p99, , max] = cells.slice(2).map(Number);
    expect(mean).toBeGreaterThan(0);
    expect(p50).toBeLessThanOrEqual(p99!);
    expect(p99).toBeLessThanOrEqual(max!);
  });

  it.each([
    ['percentiles', ['cache on', 'cache off', 'p50', 'p99.9', 'max', 'ms']],
    ['latency', ['cache on, p50', 'cache on, p99', 'cache off, p50', 'cache off, p99', 'seconds']],
    ['throughput', ['cache on', 'cache off', 'cache on, errors', 'a second']],
    ['tiers', ['L1', 'L2', 'loaded', '%', '100']],
    ['memory', ['cache on, RSS', 'cache off, heap', 'MB']],
  ])('draws the chart %s with its words and lines', async (id, words) => {
    const texts = await textsOf(id);
    for (const word of words) expect(texts).toContain(word);
    // A line is a path of at least two points, drawn inside the chart; an empty one has no extent.
    const lines = await page.locator(`#${id} svg path[fill="none"]`).evaluateAll((paths) =>
      paths.map((path) => {
        const { width, height } = (path as unknown as { getBBox(): { width: number; height: number } }).getBBox();
        return { width, height };
      }),
    );
    const wide = lines.filter(({ width }) => width > 150);
    expect(wide.length).toBeGreaterThanOrEqual(2);
  });

  it('marks every percentile of both phases with a point', async () => {
    const strokes = await page
      .locator('#percentiles svg path:not([fill="none"])')
      .evaluateAll((paths) => paths.map((path) => (path.getAttribute('stroke') ?? '').toLowerCase()));
    // Seven points; in the legend a mark and a piece of line.
    for (const color of ['#2563eb', '#f97316']) expect(strokes.filter((one) => one === color)).toHaveLength(9);
  });
});
