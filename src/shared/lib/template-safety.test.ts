import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import fc from 'fast-check';
import { checkPlainScalar } from './template-safety.ts';

describe('checkPlainScalar', () => {
  it.each(['mizzen/mizzend:v3.1.0', 'registry:5000/a/b@sha256:0123', '80,443', 'istio-system', '10.0.0.0/8', 'warning', '*.example.com'.slice(2), '', 'default:info'])('lets %j stand', (value) => {
    expect(checkPlainScalar(value)).toBe(value);
  });

  it.each(['a\nb', 'a: b', 'a:', '- a', '"a"', "it's", '{a}', '[a]', '# a', '&a', '*a', '!a', '|', '> a', '%a', '@a', '`a', '---', 'a\u2028b', '\\x'])('refuses %j', (value) => {
    expect(() => checkPlainScalar(value)).toThrow('may not stand in a plain YAML value');
  });

  it('lets nothing through that YAML reads as more than one value', () => {
    fc.assert(fc.property(fc.string(), fc.string(), (left, right) => {
      let text: string;
      try {
        text = checkPlainScalar(`${left}${right}`);
      } catch {
        return;
      }
      const read = parse(`before: 1\nkey: ${text}\nafter: 2\n`) as Record<string, unknown>;
      expect(Object.keys(read)).toEqual(['before', 'key', 'after']);
      expect(typeof read['key'] === 'object' && read['key'] !== null).toBe(false);
    }), { numRuns: 2000 });
  });
});
