import { Body, Controller, Get, Injectable, Module, Param, Put } from '@nestjs/common';
import type { DynamicModule } from '@nestjs/common';
import { Cacheable, CacheEvict, CacheModule } from '@strata/cache';
import { Notes } from './notes';

@Injectable()
export class NotesService {
  constructor(private readonly notes: Notes) {}

  @Cacheable<NotesService['words']>({ tags: () => ['notes'] })
  words(): Promise<number> {
    return this.notes.words();
  }

  @CacheEvict<NotesService['save']>({ tags: (_nothing, id) => ['notes', `note:${id}`] })
  save(id: string, text: string): Promise<void> {
    return this.notes.save(id, text);
  }
}

@Controller()
export class NotesController {
  constructor(
    private readonly notes: Notes,
    private readonly service: NotesService,
  ) {}

  @Get('notes/:id')
  @Cacheable({ scope: 'public', tags: ({ params }) => [`note:${params['id']}`] })
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
      imports: [CacheModule.forRoot({ namespace: 'notes', redis: { url: redisUrl }, defaults: { ttl: '1m' } })],
      controllers: [NotesController],
      providers: [NotesService, { provide: Notes, useValue: notes }],
    };
  }
}
