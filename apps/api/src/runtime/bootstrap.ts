import { ConsoleLogger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { getDataSourceToken } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';
import { AppModule } from '../app.module';
import { configureApp, createAdapter } from '../configure-app';
import type { Config } from '../config/config';
import { migrate } from '../database/migrate';
import { seed } from '../database/seeder';
import type { Backing } from './backing';

const SEEDED_PRODUCTS = 100;
const LEVELS = ['fatal', 'error', 'warn', 'log', 'debug', 'verbose'] as const;

/** Builds the application on `backing`, migrates and seeds what is ours, and does not listen yet. */
export async function createApp(config: Config, backing: Backing): Promise<NestFastifyApplication> {
  const app = await NestFactory.create<NestFastifyApplication>(
    AppModule.forRoot(config, backing),
    createAdapter(config),
    { bodyParser: false, abortOnError: false, logger: loggerFor(config), forceCloseConnections: true },
  );
  try {
    configureApp(app);
    const source = app.get<DataSource>(getDataSourceToken());
    if (backing.embedded || config.DATABASE_MIGRATE) await migrate(source);
    if (backing.embedded) await seed(source, { count: SEEDED_PRODUCTS });
    await app.init();
    return app;
  } catch (error) {
    await app.close();
    throw error;
  }
}

function loggerFor(config: Config): ConsoleLogger {
  return new ConsoleLogger({
    json: config.NODE_ENV === 'production',
    logLevels: LEVELS.slice(0, LEVELS.indexOf(config.LOG_LEVEL) + 1),
    prefix: 'strata',
  });
}
