import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { getDataSourceToken } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { AppModule } from '../app.module';
import { configureApp, createAdapter } from '../configure-app';
import type { Config } from '../config/config';
import { createLogger } from '../logging/service-logger';
import { checkDatabase } from '../database/check-database';
import { migrate } from '../database/migrate';
import { ProductEntity } from '../database/product.entity';
import { seed } from '../database/seeder';
import type { Backing } from './backing';
import type { Draining } from './draining';

const SEEDED_PRODUCTS = 100;

/** Builds the application on `backing`, migrates and seeds what is ours, and does not listen yet. */
export async function createApp(
  config: Config,
  backing: Backing,
  draining?: Draining,
): Promise<NestFastifyApplication> {
  // Asked before Nest is, so that a wrong password is one line and not a stack trace from a module.
  await checkDatabase(backing.databaseUrl);
  const logger = createLogger(config);
  const app = await NestFactory.create<NestFastifyApplication>(
    AppModule.forRoot(config, backing, logger),
    createAdapter(config),
    { bodyParser: false, abortOnError: false, logger },
  );
  try {
    configureApp(app, config, draining);
    const source = app.get<DataSource>(getDataSourceToken());
    if (backing.embedded || config.DATABASE_MIGRATE) await migrate(source);
    if (backing.embedded) await seedIfEmpty(source);
    else await requireTables(source);
    await app.init();
    return app;
  } catch (error) {
    await app.close();
    throw error;
  }
}

async function seedIfEmpty(source: DataSource): Promise<void> {
  if (await source.getRepository(ProductEntity).existsBy({})) return;
  await seed(source, { count: SEEDED_PRODUCTS });
}

/** Fails with the code of a missing table, for which there is an explanation, before traffic comes. */
async function requireTables(source: DataSource): Promise<void> {
  await source.getRepository(ProductEntity).existsBy({});
}
