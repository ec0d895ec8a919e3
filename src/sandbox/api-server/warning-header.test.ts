// Warnings fit into headers.
import { expect, it } from 'vitest';
import { warningHeaders } from './warning-header.ts';

it('says each thing once, quoted, and nothing that is no line of text', () => {
  expect(warningHeaders(['a "b" \\', 'a "b" \\', '', 'two\nlines', 'c'])).toEqual(['299 - "a \\"b\\" \\\\"', '299 - "c"']);
});

it('cuts what is too long together', () => {
  const headers = warningHeaders(Array.from({ length: 40 }, (_, index) => `${String(index)} ${'w'.repeat(300)}`));
  expect(headers.every((header) => header.length < 300)).toBe(true);
  expect(headers.reduce((sum, header) => sum + header.length, 0)).toBeLessThan(5000);
  expect(warningHeaders(['x'.repeat(3000)])[0]).toContain('x'.repeat(3000));
});
