/** What people do with decorators beside the straight road: inherit, wrap, nest, fail. */
import {
  Controller,
  Delete,
  Get,
  HttpCode,
  Inject,
  Injectable,
  Logger,
  Module,
  Param,
  Put,
  Res,
  Scope,
  Sse,
  UseGuards,
  UseInterceptors,
  createParamDecorator,
  type CallHandler,
  type CanActivate,
  type DynamicModule,
  type ExecutionContext,
  type INestApplication,
  type NestInterceptor,
  type Type,
} from '@nestjs/common';
import { APP_INTERCEPTOR, NestFactory, REQUEST } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import {
  Cacheable,
  CacheBackend,
  CacheConfig,
  CacheEvict,
  CacheModule,
  CachePut,
  Caching,
  NoCache,
  touched,
  withHeaders,
  type CacheModuleOptions,
  type CacheRequest,
} from '@strata/cache';
import { Gate } from '@strata/cache/testing';
import { EMPTY, map, Observable, of, timeout } from 'rxjs';
import request from 'supertest';
import { eventually } from '../support/eventually';
import { RichValueError } from '../../libs/cache/src/drivers/serializers/rich-serializer';
import { rehearsed } from '../support/rehearsed';

let calls = 0;

abstract class Animals {
  constructor(private readonly table: string) {}

  @Cacheable()
  async byId(id: number): Promise<string> {
    calls++;
    return `${this.table}${id}`;
  }

  @CacheEvict<Animals['forget']>({ key: (_nothing, name) => `fixed:${name}`, version: 2 })
  async forget(name: string): Promise<string> {
    return touched(name, 'tag') as unknown as string;
  }

  @Cacheable<Animals['named']>({ key: (name) => `fixed:${name}`, version: 2 })
  async named(name: string): Promise<string> {
    return `${name} ${++calls}`;
  }
}

class Money {
  constructor(
    readonly amount: bigint,
    readonly since: Date,
  ) {}
}

@Injectable()
class Odd {
  ticks: string[] = [];

  @Cacheable()
  async price(): Promise<{ money: Money; n: number }> {
    return { money: new Money(5n, new Date(5)), n: ++calls };
  }

  @Cacheable()
  async deep(): Promise<object> {
    let value: object = { n: ++calls };
    for (let i = 0; i < 300; i++) value = { value };
    return value;
  }

  @CachePut({ key: () => 'deep' })
  async putDeep(): Promise<object> {
    return this.deep();
  }

  @Cacheable()
  async outer(): Promise<string> {
    calls++;
    return this.inner();
  }

  @Cacheable()
  async inner(): Promise<string> {
    calls++;
    throw new RichValueError('of somebody else');
  }

  @Cacheable({ key: () => 'even' })
  async even(n: number): Promise<boolean> {
    return n === 0 ? true : this.odd(n - 1);
  }

  @Cacheable({ key: () => 'odd' })
  async odd(n: number): Promise<boolean> {
    return n === 0 ? false : this.even(n - 1);
  }

  @Cacheable()
  async value(): Promise<number> {
    // What is started here goes on when this is over.
    if (calls++ === 0)
      void gate.pass().then(async () => this.ticks.push(`${await this.value()} ${await this.value()}`));
    return calls;
  }
}

@Injectable()
class Cats extends Animals {
  constructor() {
    super('cat');
  }
}

/** Made by a factory, and calls what it overrides, under the same key. */
class Dogs extends Animals {
  constructor() {
    super('dog');
  }

  @Cacheable()
  override async byId(id: number): Promise<string> {
    return `a ${await super.byId(id)}`;
  }

  plainly(id: number): Promise<string> {
    return super.byId(id);
  }

  @Cacheable<Dogs['named']>({ key: (name) => `fixed:${name}`, version: 2 })
  override async named(name: string): Promise<string> {
    return `dog ${await super.named(name)}`;
  }
}

/** As tracing decorators do: another function in place of the method, with the metadata of the old one. */
function Traced(): MethodDecorator {
  return (_target, _property, descriptor: PropertyDescriptor) => {
    const original = descriptor.value as (...args: unknown[]) => unknown;
    const traced = function (this: unknown, ...args: unknown[]): unknown {
      return original.apply(this, args);
    };
    for (const key of Reflect.getMetadataKeys(original) as unknown[]) {
      Reflect.defineMetadata(key, Reflect.getMetadata(key, original), traced);
    }
    descriptor.value = traced;
  };
}

let tenant: string | undefined;

/** Leaves a parameter of the path where the handler finds it, as those do that keep it in an `AsyncLocalStorage`. */
class KnowsTenant implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    tenant = context.switchToHttp().getRequest<{ params: { tenant: string } }>().params.tenant;
    return true;
  }
}

let gate = new Gate();

class Empties implements NestInterceptor {
  intercept(): Observable<unknown> {
    return EMPTY;
  }
}

class Impatient implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(timeout(1));
  }
}

interface Reply {
  status(status: number): unknown;
}

const seen: string[] = [];

@Controller('edge')
@CacheConfig({ ttl: '1h', scope: 'public' })
class EdgeController {
  @Get('traced/:id')
  @Traced()
  @Cacheable()
  traced(@Param('id') id: string) {
    return { id, n: ++calls };
  }

  @Get('of/:tenant/:id')
  @UseGuards(KnowsTenant)
  @Cacheable()
  owned(@Param('id') id: string) {
    return { id, tenant };
  }

  @Get('read/:id')
  @Cacheable({ key: ({ params }) => `edge:${params['id']}` })
  read(@Param('id') id: string) {
    return { id, loaded: ++calls };
  }

  @Put('swallowed')
  @UseInterceptors(Empties)
  @CacheEvict({})
  swallowed() {
    return 'lost';
  }

  @Put('late-failure')
  @CacheEvict({ tags: () => ['edge'] })
  @UseInterceptors(Impatient)
  async lateFailure() {
    await gate.pass();
    throw new Error('the disk is full');
  }

  @Put('late/:id')
  @CacheEvict({ key: (_nothing: unknown, { params }: CacheRequest) => `edge:${params['id']}` })
  @UseInterceptors(Impatient)
  async late() {
    await gate.pass();
  }

  @Get('copy/:id')
  @Cacheable({ key: ({ params }) => `copy:${params['id']}`, cache: 'declared' })
  copy(@Param('id') id: string) {
    return { id, loaded: ++calls };
  }

  @Put('both/:id')
  @Caching({
    put: [
      { key: ({ params }) => `edge:${params['id']}` },
      { key: ({ params }) => `copy:${params['id']}`, cache: 'declared' },
    ],
  })
  both(@Param('id') id: string) {
    return touched(withHeaders({ id, written: true }, { 'x-kind': 'put' }), 'unused');
  }

  @Put('refused/:id')
  @CachePut({ key: ({ params }) => `edge:${params['id']}` })
  refused(@Res({ passthrough: true }) reply: Reply) {
    reply.status(409);
    return { error: 'conflict' };
  }

  @Put('wrong/:id')
  @CachePut({ key: ({ params }) => `edge:${params['id']}`, tags: (result) => [(result as { a: { b: string } }).a.b] })
  wrong(@Param('id') id: string) {
    return { id };
  }

  @Put('empty/:id')
  @HttpCode(204)
  @CachePut({ key: ({ params }) => `edge:${params['id']}`, tags: (result) => [(result as { id: string }).id] })
  empty(): void {
    calls++;
  }

  @Delete('unknown')
  @CacheEvict({ tags: (result) => [(result as { a: { b: string } }).a.b] })
  unknown() {
    return {};
  }

  @Delete('asked')
  @CacheEvict({ condition: () => (seen.push('condition'), true), tags: () => ['x'] })
  asked() {
    seen.push('handler');
    return {};
  }

  @Get('off')
  @NoCache()
  @Cacheable({ key: () => 'off' })
  off() {
    return withHeaders({ n: ++calls }, { 'X-Kind': 'off' });
  }
}

const withCache = (options: CacheModuleOptions) => [
  CacheModule.forRoot(options),
  CacheModule.forFeature({ declared: { ttl: '1h' } }),
];

@Module({})
class EdgeModule {}

const adapters = { Fastify: () => new FastifyAdapter(), Express: () => new ExpressAdapter() };

describe.each(Object.entries(adapters))('decorators off the straight road on %s', (_name, adapter) => {
  let app: INestApplication;
  const http = () => request(app.getHttpServer());
  const start = async (parts: Partial<DynamicModule>, options: CacheModuleOptions = {}): Promise<INestApplication> => {
    const module = { module: EdgeModule, imports: withCache(options), ...parts };
    const made = await NestFactory.create(module, adapter() as FastifyAdapter, { logger: false, abortOnError: false });
    rehearsed(made);
    await made.init();
    await (made.getHttpAdapter().getInstance() as { ready?: () => Promise<void> }).ready?.();
    return made;
  };
  const failure = (parts: Partial<DynamicModule>, options?: CacheModuleOptions): Promise<string> =>
    start(parts, options).then(
      async (started) => started.close().then(() => 'it has started'),
      (error: Error) => error.message,
    );

  beforeAll(async () => {
    const providers = [Odd, Cats, { provide: 'dogs', useFactory: () => new Dogs() }];
    app = await start({ controllers: [EdgeController], providers });
  });

  beforeEach(async () => {
    jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    [calls, seen.length] = [0, 0];
    await app.get(CacheBackend).strata.clear();
  });

  afterEach(() => jest.restoreAllMocks());
  afterAll(() => app.close());

  it('classes that inherit a method have entries of their own; what a factory has made is cached too', async () => {
    const [cats, dogs] = [app.get(Cats), app.get<Dogs>('dogs')];
    for (const _ of [1, 2]) expect([await cats.byId(1), await dogs.byId(1)]).toEqual(['cat1', 'a dog1']);
    expect([await dogs.plainly(1), await dogs.plainly(2), await dogs.byId(2)]).toEqual(['dog1', 'dog2', 'a dog2']);
    expect(calls).toBe(3);
  });

  it('an instance of a class is kept with its dates and big numbers, as a plain object', async () => {
    const odd = app.get(Odd);
    for (const _ of ['miss', 'hit']) {
      const { money, n } = await odd.price();
      expect([{ ...money }, money instanceof Money, n]).toEqual([{ amount: 5n, since: new Date(5) }, false, 1]);
    }
  });

  it('what the cache cannot carry is handed on, and no error of its caller', async () => {
    const odd = app.get(Odd);
    await expect(Promise.all([odd.deep(), odd.deep(), odd.putDeep()])).resolves.toHaveLength(3);
    await expect(odd.deep()).resolves.toMatchObject({ value: {} });
    expect(calls).toBe(4);
    expect(jest.mocked(Logger.prototype.warn).mock.calls.map(([text]) => String(text))).toEqual([
      expect.stringContaining('Odd.deep returns a value that cannot be kept: nested deeper than 256 levels'),
      expect.stringContaining('Odd.putDeep returns a value that cannot be kept'),
    ]);
  });

  it('an object that the container does not know is not taken for another one of its class', async () => {
    const [unknown, dogs] = [new Dogs(), app.get<Dogs>('dogs')];
    expect([await dogs.byId(1), await unknown.byId(1), await unknown.byId(1), calls]).toEqual([
      'a dog1',
      'a dog1',
      'a dog1',
      3,
    ]);
    expect(jest.mocked(Logger.prototype.warn).mock.calls.join()).toContain('the container does not know');
  });

  it('an error of what a method calls is not one of its result, and runs nothing again', async () => {
    const odd = app.get(Odd);
    await expect(odd.outer()).rejects.toThrow('a value that cannot be kept');
    expect(calls).toBe(2);
  });

  it('methods that need each other do not wait for themselves', async () => {
    expect(await app.get(Odd).even(3)).toBe(false);
  });

  it('what a load has started reads the cache once the load is over', async () => {
    [gate, calls] = [new Gate(), 0];
    const odd = app.get(Odd);
    expect(await odd.value()).toBe(1);
    gate.release();
    await eventually(() => odd.ticks.length > 0);
    expect(odd.ticks).toEqual(['1 1']);
  });

  it('an override that calls what it overrides, under the same key, does not wait for itself', async () => {
    const dogs = app.get<Dogs>('dogs');
    expect(await dogs.named('rex')).toBe('dog rex 1');
    expect(await dogs.named('rex')).toBe('dog rex 1');
  });

  it('evicts the entry of the version it names', async () => {
    const cats = app.get(Cats);
    await cats.named('tom');
    await cats.forget('tom');
    expect(await cats.named('tom')).toBe('tom 2');
  });

  it('a result with tags is plain for the caller, with the cache and without', async () => {
    expect(await app.get(Cats).forget('tom')).toBe('tom');
    expect(await new Dogs().forget('rex')).toBe('rex');
    const off = await start({ imports: [CacheModule.forRoot({ enabled: false })], providers: [Cats] });
    expect(await off.get(Cats).forget('tom')).toBe('tom');
    await off.close();
  });

  it('a decorator that puts another function in place of the handler does not empty the default key', async () => {
    for (const id of ['1', '2']) expect((await http().get(`/edge/traced/${id}`)).body).toMatchObject({ id });
    expect((await http().get('/edge/traced/1')).headers['cache-status']).toContain('hit');
  });

  it('two @CachePut keep both, in a declared cache too; wrappers of the result are for the cache alone', async () => {
    await http().get('/edge/read/1');
    await http().get('/edge/copy/1').expect(200);
    const answer = await http().put('/edge/both/1').expect(200);
    expect([answer.body, answer.headers['x-kind']]).toEqual([{ id: '1', written: true }, 'put']);
    for (const path of ['/edge/read/1', '/edge/copy/1']) {
      const read = await http().get(path);
      expect([read.body, String(read.headers['cache-status'])]).toEqual([answer.body, expect.stringContaining('hit')]);
    }
  });

  it.each([
    ['refused', 409],
    ['wrong', 200],
    ['empty', 204],
  ])('a put that cannot be kept (%s) leaves nothing old behind, and fails nobody', async (path, status) => {
    await http().get('/edge/read/1');
    await http().put(`/edge/${path}/1`).expect(status);
    const read = await http().get('/edge/read/1').expect(200);
    expect([read.body.id, String(read.headers['cache-status'])]).toEqual(['1', expect.stringContaining('fwd=')]);
  });

  it('has every parameter of the path in a default key', async () => {
    for (const name of ['acme', 'globex']) {
      expect((await http().get(`/edge/of/${name}/1`).expect(200)).body).toEqual({ id: '1', tenant: name });
    }
  });

  it('an eviction that cannot tell what has changed empties the cache, and fails nobody', async () => {
    await http().get('/edge/read/1');
    await http().delete('/edge/unknown').expect(200);
    expect((await http().get('/edge/read/1')).headers['cache-status']).toContain('fwd=');
  });

  it('evicts what a write has changed although nobody waits for it any more', async () => {
    gate = new Gate();
    await http().get('/edge/read/1');
    await http().put('/edge/late/1').expect(500);
    expect((await http().get('/edge/read/1')).headers['cache-status']).toContain('hit');
    gate.release();
    await eventually(async () => String((await http().get('/edge/read/1')).headers['cache-status']).includes('fwd='));
  });

  it('logs a write that fails when nobody waits for it any more, and no other', async () => {
    const error = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
    const logged = () => error.mock.calls.filter(([message]) => String(message).includes('lateFailure'));
    gate = new Gate();
    await http().put('/edge/late-failure').expect(500);
    expect(logged()).toEqual([]);
    gate.release();
    await eventually(() => logged().length > 0);
    expect(logged()).toEqual([[expect.stringContaining('after its caller'), expect.stringContaining('disk is full')]]);
  });

  it('evicts around a handler whose interceptor swallows its result', async () => {
    await http().put('/edge/swallowed').expect(200);
  });

  it('asks the condition of an eviction before the handler', async () => {
    await http().delete('/edge/asked').expect(200);
    expect(seen).toEqual(['condition', 'handler']);
  });

  it('@NoCache sends headers and value of a result as they are meant', async () => {
    const { body, headers } = await http().get('/edge/off').expect(200);
    expect([body, headers['x-kind'], headers['cache-control']]).toEqual([{ n: 1 }, 'off', 'no-store']);
  });

  describe('ends the start, with the reason', () => {
    it('a default key of a class that is made for each request', async () => {
      @Injectable({ scope: Scope.REQUEST })
      class Mine {
        constructor(@Inject(REQUEST) readonly incoming: object) {}
        @Cacheable()
        async me(): Promise<object> {
          return this.incoming;
        }
      }
      expect(await failure({ providers: [Mine] })).toContain('Mine.me needs a "key": its class is made for each');
    });

    it('a default key of two classes with one name', async () => {
      const make = (): Type => {
        @Injectable()
        class Same {
          @Cacheable()
          async of(): Promise<number> {
            return 1;
          }
        }
        return Same;
      };
      expect(await failure({ providers: [make(), make()] })).toContain('two classes have that name');
    });

    it('a default key of a class of which there are two objects', async () => {
      class Table {
        constructor(readonly name: string) {}
        @Cacheable()
        async byId(id: number): Promise<string> {
          return `${this.name}${id}`;
        }
      }
      const table = (name: string) => ({ provide: name, useFactory: () => new Table(name) });
      const reason = await failure({ providers: [table('users'), table('orders')] });
      expect(reason).toContain('Table.byId needs a "key": the application has two instances of its class');
      const both = { provide: 'alias', useExisting: 'users' };
      expect(await failure({ providers: [table('users'), both] })).toBe('it has started');
    });

    it.each<[string, MethodDecorator[], string]>([
      ['@CacheEvict', [CacheEvict({})], 'on Writes.byHand: its answer would leave before'],
      ['@CachePut', [CachePut({ key: () => 'x' })], 'on Writes.byHand: its answer would leave before'],
      ['events', [Sse('events'), CacheEvict({})], 'it sends events'],
      ['an eviction that comes first', [CacheEvict({ allEntries: true, beforeInvocation: true })], 'it has started'],
      ['@NoCache', [NoCache(), CacheEvict({})], 'it has started'],
    ])('a write that answers by itself: %s', async (_what, decorators, outcome) => {
      class Writes {
        byHand(reply: { send: (body: string) => void }) {
          reply.send('written');
        }
      }
      const { prototype } = Writes as { prototype: object };
      const descriptor = Object.getOwnPropertyDescriptor(prototype, 'byHand')!;
      Res()(prototype, 'byHand', 0);
      for (const decorate of [Put('by-hand'), ...decorators]) decorate(prototype, 'byHand', descriptor);
      Object.defineProperty(prototype, 'byHand', descriptor);
      Controller()(Writes);
      expect(await failure({ controllers: [Writes] })).toContain(outcome);
    });

    it('a default key of what is made for each that it is injected into; a method of an observable', async () => {
      @Injectable({ scope: Scope.TRANSIENT })
      class Table {
        @Cacheable()
        async of(): Promise<number> {
          return 1;
        }
      }
      class User {
        constructor(readonly table: Table) {}
      }
      const user = { provide: User, useFactory: (table: Table) => new User(table), inject: [Table] };
      expect(await failure({ providers: [Table, user] })).toContain('or for each that it is injected into');
      @Injectable()
      class Streams {
        @Cacheable({ key: () => 'x' })
        all(): Observable<number> {
          return of(1);
        }
      }
      expect(await failure({ providers: [Streams] })).toContain('the method must return a promise');
    });

    describe('an interceptor around the cache', () => {
      class Hides implements NestInterceptor {
        intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
          return next.handle().pipe(map((user: object) => ({ ...user, password: undefined })));
        }
      }

      const users = (...around: MethodDecorator[]): Type => {
        class Users {
          me(): object {
            return { id: 1, password: 'secret' };
          }
        }
        const { prototype } = Users as { prototype: object };
        const descriptor = Object.getOwnPropertyDescriptor(prototype, 'me')!;
        // As decorators are applied: the lowest one first.
        for (const decorate of around) decorate(prototype, 'me', descriptor);
        Object.defineProperty(prototype, 'me', descriptor);
        Controller('users')(Users);
        return Users;
      };
      const cached = Cacheable({ key: () => 'me', scope: 'public' });
      const global = { provide: APP_INTERCEPTOR, useClass: Hides };
      const forEach = { provide: APP_INTERCEPTOR, useClass: Hides, scope: Scope.REQUEST };
      const none = { provide: APP_INTERCEPTOR, useFactory: () => undefined };

      it.each<[string, () => Partial<DynamicModule>]>([
        ['of the application', () => ({ controllers: [users(Get(), cached)], providers: [global] })],
        ['made for each request', () => ({ controllers: [users(Get(), cached)], providers: [forEach] })],
        [
          'of the class',
          () => {
            const controller = users(Get(), cached);
            UseInterceptors(Hides)(controller);
            return { controllers: [controller] };
          },
        ],
        ['of the method, below', () => ({ controllers: [users(Get(), UseInterceptors(new Hides()), cached)] })],
      ])('%s', async (_where, parts) => {
        const reason = await failure(parts());
        expect(reason).toContain('Hides runs around @Cacheable on Users.me');
        expect(reason).toContain('transparentInterceptors: [Hides]');
      });

      it('unless it is named, is inside, or its route is not cached', async () => {
        const transparentInterceptors = [Hides];
        const named = { controllers: [users(Get(), cached)], providers: [global] };
        await expect(failure(named, { transparentInterceptors })).resolves.toBe('it has started');
        await expect(failure({ controllers: [users(Get(), cached)], providers: [none] })).resolves.toBe(
          'it has started',
        );
        const object = new Hides();
        const below = { controllers: [users(Get(), UseInterceptors(object), cached)] };
        await expect(failure(below, { transparentInterceptors: [object] })).resolves.toBe('it has started');
        await expect(failure(below, { transparentInterceptors: [new Hides()] })).resolves.toContain(
          'Hides runs around',
        );
        const off = { controllers: [users(Get(), NoCache(), cached)], providers: [global] };
        await expect(failure(off)).resolves.toBe('it has started');
        const inside = await start({ controllers: [users(Get(), cached, UseInterceptors(Hides))] });
        for (const _ of ['miss', 'hit']) await request(inside.getHttpServer()).get('/users').expect(200, { id: 1 });
        await inside.close();
      });
    });

    it('a default key of a handler with a parameter of its own kind, whatever the scope', async () => {
      const Who = createParamDecorator(() => 'alice');
      @Controller()
      class Lists {
        @Get('list')
        @Cacheable({ scope: 'tenant', identity: () => 't' })
        list(@Who() who: string) {
          return who;
        }
      }
      expect(await failure({ controllers: [Lists] })).toContain('a parameter of a custom decorator');
    });

    it('@Cacheable twice, and on what is no method', () => {
      const descriptor = { value: async (): Promise<number> => 1 };
      Cacheable()({}, 'x', descriptor);
      expect(() => Cacheable()({}, 'x', descriptor)).toThrow('@Cacheable is twice on');
      expect(() => Cacheable()({}, 'x', { get: () => 1 })).toThrow('only methods can be cached');
      const generator = { value: async function* () {} };
      expect(() => Cacheable()({}, 'x', generator)).toThrow('what a generator yields cannot be kept');
      expect(() => Cacheable()(class Cats {}, 'x', { value: async () => 1 })).toThrow('a static method belongs to no');
    });
  });
});
