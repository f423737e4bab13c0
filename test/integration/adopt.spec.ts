import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DynamicModule, INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import request from 'supertest';
import { AppModule as Before } from '../samples/adopt/before';
import { Notes } from '../samples/adopt/notes';
import { AppModule as Step1 } from '../samples/adopt/step-1';
import { AppModule as Step2 } from '../samples/adopt/step-2';
import { eventually } from '../support/eventually';
import { RedisServer } from '../support/redis-server';

const SAMPLES = join(__dirname, '../samples/adopt');
const GUIDE = join(__dirname, '../../docs/guides/adopt.md');

const steps: Record<string, { on(url: string, notes: Notes): DynamicModule }> = {
  'before, on @nestjs/cache-manager': Before,
  'after step 1, with another module': Step1,
  'after step 2, with decorators': Step2,
};

describe.each(Object.entries(steps))('the sample of docs/guides/adopt.md %s', (name, module) => {
  let redis: RedisServer;
  let notes: Notes;
  let apps: INestApplication[];

  beforeAll(async () => {
    redis = await RedisServer.start();
    notes = new Notes();
    const start = async (): Promise<INestApplication> => {
      const app = await NestFactory.create(module.on(redis.url, notes), new FastifyAdapter(), { logger: false });
      await app.listen(0, '127.0.0.1');
      return app;
    };
    apps = [await start(), await start()];
  });

  afterAll(async () => {
    await Promise.all(apps.map((app) => app.close()));
    await redis.stop();
  });

  const get = (app: INestApplication, path: string) => request(app.getHttpServer()).get(path).expect(200);

  it('keeps what it reads', async () => {
    await get(apps[0]!, '/notes/1');
    await get(apps[0]!, '/words');
    await eventually(async () => {
      const before = notes.reads;
      const [note, words] = [await get(apps[0]!, '/notes/1'), await get(apps[0]!, '/words')];
      expect([note.body, words.text]).toEqual([{ id: '1', text: 'first' }, '1']);
      return notes.reads === before;
    });
  });

  it('shows on the other instance what has been written', async () => {
    for (const app of apps) await get(app, '/notes/1');
    await request(apps[0]!.getHttpServer()).put('/notes/1').send({ text: 'second text' }).expect(200);
    expect((await get(apps[1]!, '/notes/1')).body).toEqual({ id: '1', text: 'second text' });
    expect((await get(apps[1]!, '/words')).text).toBe('2');
  });

  if (name.includes('step 2')) {
    it('answers from L1, with validators, and says so', async () => {
      const { headers } = await get(apps[0]!, '/notes/1');
      await eventually(async () => (await get(apps[0]!, '/notes/1')).headers['cache-status']!.includes('L1'));
      const again = request(apps[0]!.getHttpServer()).get('/notes/1').set('if-none-match', headers['etag']!);
      await again.expect(304);
    });
  }
});

describe('docs/guides/adopt.md', () => {
  it('shows code that the sample has', () => {
    const code = readdirSync(SAMPLES).map((file) => readFileSync(join(SAMPLES, file), 'utf8'));
    const lines = new Set(code.flatMap((text) => text.split('\n')).map((line) => line.trim()));
    const blocks = [...readFileSync(GUIDE, 'utf8').matchAll(/```ts\n([\s\S]*?)```/g)].map((match) => match[1]!);
    expect(blocks.length).toBeGreaterThan(3);
    const shown = blocks.flatMap((block) => block.split('\n')).map((line) => line.trim());
    expect(shown.filter((line) => line !== '' && !lines.has(line))).toEqual([]);
  });
});
