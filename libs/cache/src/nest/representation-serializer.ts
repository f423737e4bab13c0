import { countJsonValues } from '../core/json-structure';
import type { Serializer } from '../core/ports/serializer';
import {
  decodeRepresentation,
  encodeRepresentation,
  headOf,
  weighRepresentation,
  type Representation,
} from '../http/representation';

/** Keeps HTTP answers as bytes: a hit parses and serialises nothing. */
export const representationSerializer: Serializer<Representation> = {
  id: 2,
  encode: encodeRepresentation,
  decode: decodeRepresentation,
  countValues: (bytes, limit) => countJsonValues(headOf(bytes), limit),
  weigh: weighRepresentation,
};
