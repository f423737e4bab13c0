import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BrowserContext, Locator, Page } from 'playwright-core';
import { createDatabase } from '../support/database';
import { RedisServer } from '../support/redis-server';
import { startService, type Service } from '../support/service';
import { openBrowser } from './open-browser';

const TOKEN = 'browser-test-token';

describe('Swagger UI in Chromium', () => {
  let redis: RedisServer;
  let database: Awaited<ReturnType<typeof createDatabase>>;
  let service: Service;
  let context: BrowserContext;
  let page: Page;
  const profile = mkdtempSync(join(tmpdir(), 'strata-chromium-'));
  const complaints: string[] = [];

  beforeAll(async () => {
    redis = await RedisServer.start();
    database = await createDatabase();
    service = await startService({ database: database.url, redis: redis.url, env: { ADMIN_TOKEN: TOKEN } });
    context = await openBrowser(profile);
    page = await context.newPage();
    page.setDefaultTimeout(5_000);
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(`${service.url}/docs`);
    await page.locator('.opblock').first().waitFor();
  });

  afterAll(async () => {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
    await service.close();
    await redis.stop();
    await database.drop();
  });

  /** Opens an operation, lets `fill` change its inputs, presses Execute and returns status and body. */
  async function execute(
    id: string,
    fill: (block: Locator) => Promise<void> = async () => undefined,
  ): Promise<{ status: number; body: string; headers: string }> {
    const block = page.locator(`.opblock[id$="-${id}"]`);
    await block.scrollIntoViewIfNeeded();
    if (!(await block.locator('.opblock-body').isVisible())) await block.locator('.opblock-summary-control').click();
    await fill(block);
    await block.locator('button.execute').click();
    const live = block.locator('.live-responses-table');
    await live.waitFor();
    await block.locator('.loading-container').waitFor({ state: 'detached' });
    const status = Number((await live.locator('tbody td.response-col_status').first().innerText()).trim().slice(0, 3));
    const texts = await live.locator('pre').allInnerTexts();
    const [body = '', headers = ''] = texts.length > 1 ? texts : ['', texts[0]];
    await block.locator('button.btn-clear').click();
    return { status, body, headers };
  }

  it('shows every operation under its heading, with a summary', async () => {
    expect(await page.title()).toBe('Strata · Products API');
    const tags = await page
      .locator('h3.opblock-tag')
      .evaluateAll((nodes) => nodes.map((node) => node.getAttribute('data-tag')));
    expect(tags).toEqual(['products', 'cache', 'operations']);
    const summaries = await page.locator('.opblock-summary-description').allInnerTexts();
    expect(summaries).toHaveLength(20);
    expect(summaries.every((summary) => summary.trim().length > 5)).toBe(true);
  });

  it('lists products with the values it shows, and tells where the answer came from', async () => {
    const first = await execute('ProductsController_list');
    expect(first.status).toBe(200);
    expect(JSON.parse(first.body)).toHaveLength(20);
    const second = await execute('ProductsController_list');
    expect(second.headers).toMatch(/cache-status: strata; hit/);
  });

  it('shows limits, choices and problem documents', async () => {
    const block = page.locator('.opblock[id$="ProductsController_list"]');
    const parameters = await block.locator('.parameters-container').innerText();
    expect(parameters).toMatch(/limit[\s\S]*1 to 100/);
    expect(await block.locator('select').count()).toBeGreaterThan(0);
    expect(await block.locator('.responses-inner').innerText()).toContain('application/problem+json');
  });

  it('reads the product of the example', async () => {
    const { status, body } = await execute('ProductsController_find');
    expect([status, (JSON.parse(body) as { id: number }).id]).toEqual([200, 7]);
  });

  it('refuses a write without the token, and says what to do', async () => {
    const { status, body } = await execute('ProductsController_create');
    expect(status).toBe(401);
    expect(body).toContain('send Authorization: Bearer');
  });

  it('takes the token behind the Authorize button', async () => {
    await page.locator('button.authorize').first().click();
    await page.locator('.auth-container input').fill(TOKEN);
    await page.locator('.auth-container button.authorize').click();
    await page.locator('.auth-container button.btn-done').click();
    expect(await page.locator('.auth-wrapper button.authorize.locked').count()).toBe(1);
  });

  it.each([
    ['ProductsController_create', 201],
    ['ProductsController_createBatch', 201],
    ['ProductsController_replace', 200],
    ['ProductsController_change', 200],
    ['ProductsController_invalidate', 200],
    ['CacheAdminController_invalidate', 200],
    ['CacheAdminController_stats', 200],
    ['HealthController_glance', 200],
    ['HealthController_live', 200],
    ['HealthController_ready', 200],
    ['MetricsController_index', 200],
    ['ProductsController_remove', 204],
    ['CacheAdminController_warm', 202],
    ['CacheAdminController_warmProgress', 200],
    ['CacheAdminController_clear', 204],
    ['LogLevelController_level', 200],
    ['LogLevelController_change', 200],
  ])('the example of %s works as it stands: %d', async (id, expected) => {
    expect((await execute(id)).status).toBe(expected);
  });

  it('the deleted product of the example is a 404 problem now', async () => {
    const { status, body } = await execute('ProductsController_find');
    expect(status).toBe(404);
    expect(JSON.parse(body)).toMatchObject({ title: 'Not Found', detail: 'product 7 does not exist' });
  });

  it('the page had no script errors', () => {
    expect(complaints).toEqual([]);
  });
});
