import fc from 'fast-check';
import { Command } from 'ioredis';
import { encodeCommand, type Argument } from './resp';

const text = fc.string({ unit: fc.constantFrom('a', 'é', '€', '😀', '\r', '\n', '$', '0') });
const long = fc.integer({ min: 500, max: 530 }).map((length) => 'x'.repeat(length));
const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array));
const argument: fc.Arbitrary<Argument> = fc.oneof(text, long, bytes, fc.integer(), fc.constant(''), fc.double());

describe('a command as bytes', () => {
  it('is what ioredis would make of it, for any arguments', () => {
    fc.assert(
      fc.property(text, fc.array(argument, { maxLength: 12 }), (first, args) => {
        const own = encodeCommand('EVALSHA', first, args);
        const command = new Command('EVALSHA', [first, ...args]);
        expect(Buffer.from(own).toString('latin1')).toBe(Buffer.from(command.toWritable({})).toString('latin1'));
        // One text where it may be: Node then makes the bytes while it writes.
        expect(typeof own).toBe(args.some((arg) => typeof arg === 'object') ? 'object' : 'string');
      }),
      { numRuns: 500 },
    );
  });
});
