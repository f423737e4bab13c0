/** What Fastify's reply knows of the response schemas of its route, and of serializers that were set. */
interface FastifySerializing {
  /** By status, or by status and media type where a schema tells those apart. */
  getSerializationFunction(status: string, type?: string): Serialize | object | undefined;
  serialize(value: unknown): string;
}

type Serialize = (value: unknown) => string;

/** What Express' response knows of its application. */
interface ExpressSerializing {
  readonly app: { get(setting: string): unknown };
}

/** JSON of what a handler returns, as the framework of this response would word it for that status and type. */
export function jsonOf(response: object, value: unknown, status: number, type: string): string {
  const { getSerializationFunction, app } = response as Partial<FastifySerializing & ExpressSerializing>;
  if (getSerializationFunction !== undefined) return ofFastify(response as FastifySerializing, value, status, type);
  return app === undefined ? JSON.stringify(value) : ofExpress(value, app);
}

/** Not by the status that the response has: a refresh finds one that was sent as a 304. */
function ofFastify(reply: FastifySerializing, value: unknown, status: number, type: string): string {
  const [media] = type.split(';', 1);
  for (const place of [String(status), `${String(status)[0]}xx`, 'default']) {
    const found = reply.getSerializationFunction(place);
    if (typeof found === 'function') return (found as Serialize)(value);
    if (found === undefined) continue;
    const ofMedia = reply.getSerializationFunction(place, media) ?? reply.getSerializationFunction(place, '*/*');
    return typeof ofMedia === 'function' ? (ofMedia as Serialize)(value) : JSON.stringify(value);
  }
  return reply.serialize(value);
}

/** What `json escape` of Express escapes. */
const ESCAPED: Readonly<Record<string, string>> = { '<': '\\u003c', '>': '\\u003e', '&': '\\u0026' };

/** `res.json`, by the settings of the application. */
function ofExpress(value: unknown, app: ExpressSerializing['app']): string {
  const [replacer, spaces] = [app.get('json replacer'), app.get('json spaces')];
  const text = JSON.stringify(value, replacer as string[] | undefined, spaces as number | undefined);
  return app.get('json escape') ? text.replace(/[<>&]/g, (character) => ESCAPED[character]!) : text;
}
