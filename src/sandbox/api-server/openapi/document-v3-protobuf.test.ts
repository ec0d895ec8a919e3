// The bytes of an OpenAPI v3 document, written out by hand from the field numbers of gnostic's messages.
import { describe, expect, it } from 'vitest';
import { encodeDocument } from './document-v3-protobuf.ts';

const hex = (text: string): string => Buffer.from(text).toString('hex');
const head = `0a05${hex('3.0.0')}` + `12060a01${hex('t')}3201${hex('v')}`;
const document = { openapi: '3.0.0', info: { title: 't', version: 'v' } };

describe('an OpenAPI v3 document in protobuf form', () => {
  it('has schemas by name, each wrapped as a schema or a reference', () => {
    const schema = `ca0106${hex('string')}`;
    const named = `0a01${hex('A')}120b0a09${schema}`;
    const reference = `0a01${hex('B')}120512030a01${hex('#')}`;
    expect(encodeDocument({ ...document, paths: {}, components: { schemas: { A: { type: 'string' }, B: { $ref: '#' } } } }).toString('hex')).toBe(`${head}2200` + `2a200a1e0a10${named}0a0a${reference}`);
  });

  it('has what OpenAPI does not know as extensions', () => {
    const extension = `0a03${hex('x-a')}12031201${hex('1')}`;
    expect(encodeDocument({ openapi: '3.0.0', 'x-a': 1 }).toString('hex')).toBe(`0a05${hex('3.0.0')}4a0a${extension}`);
  });
});
