// Fields that stand in a body twice are found, wherever they are, whatever else the text holds.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { duplicateFields } from './json-duplicates.ts';

it.each([
  ['{"a":1,"a":2}', ['a']],
  ['{"metadata":{"name":"x","name":"y"},"spec":{"ports":[{"port":1},{"port":2,"port":3}]}}', ['metadata.name', 'spec.ports[1].port']],
  ['{"a\\"b":1, "a\\"b" : [ ] , "c":"{\\"d\\":1,\\"d\\":2}"}', ['a"b']],
  ['{"a":{},"b":{"a":1},"\\u0061":null}', ['a']],
  ['[]', []],
])('%s', (text, expected) => { expect(duplicateFields(text)).toEqual(expected); });

it('what is written from a value has no field twice', () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => { expect(duplicateFields(JSON.stringify(value, undefined, 1))).toEqual([]); }), { numRuns: 100 });
});
