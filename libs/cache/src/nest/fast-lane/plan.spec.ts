import { weightOf, type Plan } from './plan';
import { UrlRequest } from './url-request';

describe('weight of a learnt URL', () => {
  const weigh = (query: object): number =>
    weightOf('/a', {
      key: 'a',
      tags: [],
      asked: new UrlRequest({ method: 'GET', params: {}, query } as never),
    } as Partial<Plan> as Plan);

  it('grows with each parameter that somebody makes up, and with each value of one', () => {
    const names = Object.fromEntries(Array.from({ length: 400 }, (_, i) => [`p${i}`, '']));
    const values = { p: Array.from({ length: 400 }, () => '') };
    expect(weigh(names) - weigh({})).toBeGreaterThan(400 * 90);
    expect(weigh(values) - weigh({})).toBeGreaterThan(400 * 8);
  });
});
