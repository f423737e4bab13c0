import KeyvRedis from '@keyv/redis';
import { CACHE_MANAGER, CacheInterceptor, CacheModule } from '@nestjs/cache-manager';
import { Body, Controller, Get, Inject, Injectable, Module, Param, Put, UseInterceptors } from '@nestjs/common';
import type { DynamicModule } from '@nestjs/common';
import type { Cache } from 'cache-manager';
import { Notes } from './notes';

@Injectable()
export class NotesService {
  constructor(
    private readonly notes: Notes,
    @Inject(CACHE_MANAGER) private readonly cache: Cache,
  ) {}

  words(): Promise<number> {
    return this.cache.wrap('words', () => this.notes.words(), 60_000);
  }

  async save(id: string, text: string): Promise<void> {
    await this.notes.save(id, text);
    await this.cache.mdel([`/notes/${id}`, '/words', 'words']);
  }
}

@Controller()
export class NotesController {
  constructor(
    private readonly notes: Notes,
    private readonly service: NotesService,
  ) {}

  @Get('notes/:id')
  @UseInterceptors(CacheInterceptor)
  find(@Param('id') id: string) {
    return this.notes.find(id);
  }

  @Get('words')
  words() {
    return this.service.words();
  }

  @Put('notes/:id')
  async save(@Param('id') id: string, @Body('text') text: string) {
    await this.service.save(id, text);
    return { id, text };
  }
}

@Module({})
export class AppModule {
  static on(redisUrl: string, notes: Notes): DynamicModule {
    return {
      module: AppModule,
      imports: [CacheModule.register({ isGlobal: true, ttl: 60_000, stores: [new KeyvRedis(redisUrl)] })],
      controllers: [NotesController],
      providers: [NotesService, { provide: Notes, useValue: notes }],
    };
  }
}
