import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBase64, encodeBase64 } from './base64.ts';

describe('encodeBase64', () => {
  it('is the base64 of the UTF-8 form of any text, halves of surrogate pairs too', () => {
    for (const unit of ['grapheme', 'binary'] as const) {
      fc.assert(fc.property(fc.string({ unit }), (text) => encodeBase64(text) === Buffer.from(text, 'utf8').toString('base64')));
    }
    expect(encodeBase64('\ud800')).toBe(Buffer.from('\ud800', 'utf8').toString('base64'));
  });
});

describe('decodeBase64', () => {
  it('gives back the bytes of the standard and the URL form', () => {
    fc.assert(fc.property(fc.uint8Array(), (bytes) => {
      for (const form of ['base64', 'base64url'] as const) expect([...decodeBase64(Buffer.from(bytes).toString(form))]).toEqual([...bytes]);
    }));
  });

  it('passes over characters that are no digits', () => {
    expect([...decodeBase64('YW\nJj ')]).toEqual([97, 98, 99]);
  });
});
