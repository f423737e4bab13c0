import { databaseTrouble } from './database-trouble';

describe('what an error says of the database', () => {
  it.each<[string, string | undefined, string | undefined]>([
    ['connect', 'ECONNREFUSED', 'unreached'],
    ['the database system is starting up', '57P03', 'unreached'],
    ['timeout exceeded when trying to connect', undefined, 'unreached'],
    ['read', 'ECONNRESET', 'broken'],
    ['terminating connection due to administrator command', '57P01', 'broken'],
    ['transaction resolution unknown', '08007', 'broken'],
    ['Connection terminated unexpectedly', undefined, 'broken'],
    ['relation "products" does not exist', '42P01', undefined],
    ['duplicate key', '23505', undefined],
  ])('%s (%s)', (message, code, trouble) => {
    expect(databaseTrouble(Object.assign(new Error(message), { code }))).toBe(trouble);
  });

  it('nothing that is no error', () => {
    expect(databaseTrouble({ code: 'ECONNREFUSED' })).toBeUndefined();
  });
});
