/** What Fastify's reply does to an object before it is sent: response schema of the route, serializers. */
export interface FastifySerializing {
  serialize(value: unknown): string;
}

/** What Express' response knows of its application. */
export interface ExpressSerializing {
  readonly app: { get(setting: string): unknown };
}

/** What `json escape` of Express escapes. */
const ESCAPED: Readonly<Record<string, string>> = { '<': '\\u003c', '>': '\\u003e', '&': '\\u0026' };

/** `res.json` of Express, by the settings of the application. */
export function jsonOfExpress(value: unknown, app: ExpressSerializing['app']): string {
  const [replacer, spaces] = [app.get('json replacer'), app.get('json spaces')];
  const text = JSON.stringify(value, replacer as string[] | undefined, spaces as number | undefined);
  return app.get('json escape') ? text.replace(/[<>&]/g, (character) => ESCAPED[character]!) : text;
}
