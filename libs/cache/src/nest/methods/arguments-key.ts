import { Logger } from '@nestjs/common';
import { encodeValue } from '../../core/encode-value';

/**
 * The default key of a method: its name and all its arguments. Arguments that are no plain data have no text that
 * is theirs alone: such a call is not cached, and the first one says so.
 */
export function argumentsKey(where: string): (...args: unknown[]) => string | undefined {
  let hasWarned = false;
  return (...args) => {
    const text = encodeValue(args);
    if (text === undefined && !hasWarned) {
      hasWarned = true;
      new Logger('Cacheable').warn(`${where} was called with arguments that make no key: give @Cacheable a "key"`);
    }
    return text === undefined ? undefined : `${where} ${text}`;
  };
}
