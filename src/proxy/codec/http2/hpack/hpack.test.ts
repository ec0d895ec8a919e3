// HPACK: the vectors of RFC 7541 appendix C in both directions, the Huffman code whole, and what a hostile block may not do.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HpackDecoder } from './decoder.ts';
import { HpackEncoder } from './encoder.ts';
import { huffmanDecode, huffmanEncode, huffmanLength } from './huffman.ts';

const LIMITS = { maximumBytes: 60_000, maximumFields: 200 };

function bytes(hex: string): Buffer {
  return Buffer.from(hex.replaceAll(' ', ''), 'hex');
}

function decode(decoder: HpackDecoder, block: Buffer): string[] {
  decoder.decode(block, 0, block.length, LIMITS);
  return decoder.fields;
}

function encode(encoder: HpackEncoder, fields: readonly (readonly [string, string])[]): Buffer {
  encoder.begin();
  for (const [name, value] of fields) encoder.field(name, value);
  return Buffer.from(encoder.block.subarray(0, encoder.length));
}

const FIRST = [':method', 'GET', ':scheme', 'http', ':path', '/', ':authority', 'www.example.com'];
const REQUESTS = [FIRST, [...FIRST, 'cache-control', 'no-cache'], [':method', 'GET', ':scheme', 'https', ':path', '/index.html', ':authority', 'www.example.com', 'custom-key', 'custom-value']];
const COMMON = ['cache-control', 'private', 'date', 'Mon, 21 Oct 2013 20:13:21 GMT', 'location', 'https://www.example.com'];
const RESPONSES = [
  [':status', '302', ...COMMON], [':status', '307', ...COMMON],
  [':status', '200', 'cache-control', 'private', 'date', 'Mon, 21 Oct 2013 20:13:22 GMT', 'location', 'https://www.example.com', 'content-encoding', 'gzip', 'set-cookie', 'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1'],
];
/** A limit of 256 bytes, as the examples of responses have it. */
const SMALL_TABLE = bytes('3fe101');

describe('HpackDecoder', () => {
  it.each([
    ['C.2.1', '400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572', ['custom-key', 'custom-header']],
    ['C.2.2', '040c 2f73 616d 706c 652f 7061 7468', [':path', '/sample/path']],
    ['C.2.3', '1008 7061 7373 776f 7264 0673 6563 7265 74', ['password', 'secret']],
    ['C.2.4', '82', [':method', 'GET']],
  ])('reads the single field of %s', (_name, hex, fields) => {
    expect(decode(new HpackDecoder(), bytes(hex))).toEqual(fields);
  });

  it.each<[string, Buffer, readonly string[], readonly (readonly string[])[]]>([
    ['C.3 requests', Buffer.alloc(0), ['8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d', '8286 84be 5808 6e6f 2d63 6163 6865', '8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65'], REQUESTS],
    ['C.4 requests with Huffman codes', Buffer.alloc(0), ['8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff', '8286 84be 5886 a8eb 1064 9cbf', '8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf'], REQUESTS],
    ['C.5 responses with evictions', SMALL_TABLE, [
      '4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d',
      '4803 3330 37c1 c0bf',
      '88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31',
    ], RESPONSES],
    ['C.6 responses with evictions and Huffman codes', SMALL_TABLE, [
      '4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3',
      '4883 640e ffc1 c0bf',
      '88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07',
    ], RESPONSES],
  ])('reads the blocks of %s', (_name, prefix, blocks, expected) => {
    const decoder = new HpackDecoder();
    blocks.forEach((hex, index) => expect(decode(decoder, Buffer.concat([index === 0 ? prefix : Buffer.alloc(0), bytes(hex)]))).toEqual(expected[index]));
  });

  it.each([
    ['index 0', '80'], ['an index beyond the table', 'ff20'], ['a name beyond the table', '7f8001 0161'], ['an endless integer', 'ffffffffffffff7f'], ['a cut integer', 'ff'], ['a cut string', '4001 6105 61'],
    ['a missing value', '4001 61'], ['a table beyond the limit', '3fe2 1f'], ['a table update after a field', '8220'], ['three table updates', '202020 82'], ['the end of string in a Huffman code', '0001 6184 ffff fffc'],
    ['padding of a whole byte', '0001 6182 1fff'], ['padding of zeros', '0001 6181 18'],
  ])('refuses %s', (_name, hex) => {
    expect(() => decode(new HpackDecoder(), bytes(hex))).toThrow(/^http2\./);
  });

  it.each([
    ['an upper-case name', '0001 41 0161'], ['an empty name', '0000 0161'], ['a blank in a name', '0003 61 2062 0161'], ['a line break in a value', '0001 61 0361 0a62'], ['a zero in a value', '0001 61 0100'],
    ['a blank before a value', '0001 61 0220 61'], ['a line break that comes from the table', '4001 61 0361 0a62 be'],
  ])('marks %s and goes on', (_name, hex) => {
    const decoder = new HpackDecoder();
    expect(decode(decoder, Buffer.concat([bytes(hex), bytes('82')]))).toEqual([':method', 'GET']);
    expect(decoder.malformed).toBe('http2.invalid_header_field');
    expect(decode(decoder, bytes('82'))).toEqual([':method', 'GET']);
    expect(decoder.malformed).toBe('');
  });

  it('says when a small block stands for too much, and keeps none of it', () => {
    const decoder = new HpackDecoder();
    const big = Buffer.concat([bytes('4001 617f 810f'), Buffer.alloc(2048, 'x')]);
    const limits = { maximumBytes: 60_000, maximumFields: 20_000 };
    const bomb = Buffer.concat([big, Buffer.alloc(16_000, 0xbe)]);
    decoder.decode(bomb, 0, bomb.length, limits);
    expect(decoder.tooLarge).toBe(true);
    expect(decoder.fields.join('').length).toBeLessThanOrEqual(60_000);
    decoder.decode(Buffer.alloc(300, 0x82), 0, 300, { maximumBytes: 60_000, maximumFields: 100 });
    expect([decoder.tooLarge, decoder.fields.length]).toEqual([true, 200]);
  });
});

describe('HpackEncoder', () => {
  it('writes what a decoder reads, block after block, whatever the limits of the table', () => {
    const name = fc.constantFrom('x-a', 'x-b', 'content-type', 'server', ':path', ':status', 'x-request-id', 'authorization', 'cookie', 'x-long-name-of-a-header');
    const value = fc.oneof(fc.constantFrom('', '/', '200', 'gzip, deflate', 'same', 'another value'), fc.string({ unit: fc.integer({ min: 33, max: 255 }).filter((code) => code !== 127).map((code) => String.fromCharCode(code)), maxLength: 40 }), fc.nat(3000).map((size) => 'v'.repeat(size)));
    const block = fc.record({ fields: fc.array(fc.tuple(name, value), { maxLength: 12 }), limit: fc.option(fc.nat(4096), { freq: 4 }) });
    fc.assert(fc.property(fc.array(block, { maxLength: 12 }), (blocks) => {
      const encoder = new HpackEncoder();
      const decoder = new HpackDecoder();
      for (const { fields, limit } of blocks) {
        if (limit !== null) encoder.setTableLimit(limit);
        expect(decode(decoder, encode(encoder, fields))).toEqual(fields.flat());
      }
    }), { numRuns: 200 });
  });

  it('writes a field that repeats in a byte, and takes one that does not into no table', () => {
    const encoder = new HpackEncoder();
    const lengths = Array.from({ length: 5 }, (_none, turn) => [encode(encoder, [['x-kind', 'always the same']]).length, encode(encoder, [['x-id', `id-${turn}-0123456789`]]).length]);
    expect(lengths.map(([same]) => same).slice(2)).toEqual([1, 1, 1]);
    expect(new Set(lengths.map(([, other]) => other)).size).toBe(1);
  });

  it('never indexes credentials, nor what its sender asked not to', () => {
    const encoder = new HpackEncoder();
    const decoder = new HpackDecoder();
    for (let turn = 0; turn < 4; turn += 1) {
      decode(decoder, encode(encoder, [['authorization', 'Bearer x'], ['cookie', 'a=1'], ['cookie', 'session=0123456789abcdef']]));
      expect(decoder.neverIndexed).toEqual(['authorization', 'cookie']);
      encoder.begin();
      encoder.field('x-secret', 'v', true);
      expect(encoder.block[0]).toBe(16);
    }
  });

  it('leaves out what HTTP/2 forbids', () => {
    const fields: [string, string][] = [['connection', 'close'], ['Transfer-Encoding', 'chunked'], ['te', 'gzip'], ['x-a', 'b\r\nc: d'], ['x-b', 'a\u010d'], ['bad name', 'x'], ['', 'x'], ['X-Good', 'yes'], ['te', 'trailers']];
    expect(decode(new HpackDecoder(), encode(new HpackEncoder(), fields))).toEqual(['x-good', 'yes', 'te', 'trailers']);
  });
});

describe('the Huffman code', () => {
  it('is complete: its codes fill the space exactly', () => {
    const text = Array.from({ length: 256 }, (_none, code) => String.fromCharCode(code));
    const bits = (symbol: string): number => huffmanLength(symbol.repeat(8));
    // A symbol eight times takes as many bytes as it has bits; the end of string has 30.
    expect(text.reduce((sum, symbol) => sum + 2 ** -bits(symbol), 2 ** -30)).toBe(1);
  });

  it('gives back every text', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (data) => {
      const text = Buffer.from(data).toString('latin1');
      const target = Buffer.alloc(900);
      const end = huffmanEncode(text, target, 3);
      expect(end - 3).toBe(huffmanLength(text));
      expect(huffmanDecode(target, 3, end)).toBe(text);
    }), { numRuns: 300 });
  });

  it('takes no bytes that are not one text\'s code', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), (data) => {
      const text = huffmanDecode(data, 0, data.length);
      if (text === undefined) return;
      const target = Buffer.alloc(200);
      expect(target.subarray(0, huffmanEncode(text, target, 0)).equals(data)).toBe(true);
    }), { numRuns: 500 });
  });
});
