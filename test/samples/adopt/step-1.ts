import type { DynamicModule } from '@nestjs/common';
import { Module } from '@nestjs/common';
import { CacheModule } from '@strata/cache';
import { NotesController, NotesService } from './before';
import { Notes } from './notes';

/** Another module, the same code: `CACHE_MANAGER` and `CacheInterceptor` work on both tiers now. */
@Module({})
export class AppModule {
  static on(redisUrl: string, notes: Notes): DynamicModule {
    return {
      module: AppModule,
      imports: [CacheModule.forRoot({ namespace: 'notes', redis: { url: redisUrl }, defaults: { ttl: '1m' } })],
      controllers: [NotesController],
      providers: [NotesService, { provide: Notes, useValue: notes }],
    };
  }
}
