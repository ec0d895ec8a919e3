// The message parser: any chunking gives the same events, and what two parsers could read differently is refused.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_HEADER_LIMITS } from '../api.ts';
import { RequestParser, ResponseParser, type ParserSink } from './parser.ts';

function record(bytes: Buffer, cuts: readonly number[], response = false): string[] {
  const events: string[] = [];
  let body = '';
  const sink: ParserSink<never> = {
    onHead: (headers: { items: string[] }, facts, end) => events.push(`head ${JSON.stringify(headers)} ${facts.close} ${end}`),
    onData: (data, end) => {
      body += data.toString('latin1');
      if (end) events.push(`body ${body}`);
      if (end) body = '';
    },
    onTrailers: (trailers) => {
      events.push(`body ${body} trailers ${trailers.items.join('|')}`);
      body = '';
    },
    onError: (status, detail) => events.push(`error ${status} ${detail}`),
  };
  const parser = response ? new ResponseParser(sink, DEFAULT_HEADER_LIMITS) : new RequestParser(sink, DEFAULT_HEADER_LIMITS);
  let position = 0;
  for (const cut of [...cuts.map((cut) => cut % (bytes.length + 1)).sort((left, right) => left - right), bytes.length]) {
    if (cut > position) parser.execute(bytes.subarray(position, cut));
    position = Math.max(position, cut);
    parser.next();
  }
  for (let turn = 0; turn < 5; turn += 1) parser.next();
  return events;
}

const MESSAGES = [
  'GET / HTTP/1.1\r\nHost: a\r\n\r\nPOST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhelloGET /c HTTP/1.1\r\nHost: a\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\nA\r\n0123456789\r\n0\r\nX-T: 1\r\nx-u:  2 \r\n\r\nGET /c HTTP/1.1\r\nHost: a\r\n\r\n',
  '\r\nGET http://h:80/p?q HTTP/1.1\r\nHost: other\r\nX-Empty:\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
  'GET / HTTP/1.1\r\nHost: a\r\nBad Name: x\r\n\r\n',
];

describe('MessageParser', () => {
  it('gives the same events for any chunking', () => {
    fc.assert(fc.property(fc.constantFrom(...MESSAGES), fc.array(fc.nat(400), { maxLength: 30 }), (message, cuts) => {
      const bytes = Buffer.from(message, 'latin1');
      expect(record(bytes, cuts)).toEqual(record(bytes, []));
    }), { numRuns: 300 });
  });

  it('never throws, whatever the bytes', () => {
    const token = fc.constantFrom('GET ', '/ ', 'HTTP/1.1', '\r\n', '\n', '\r', 'Host: a', 'Content-Length: ', '5', 'Transfer-Encoding: chunked', '0', ':', ' ', '\t', '\0', 'x'.repeat(50), '\xff');
    fc.assert(fc.property(fc.array(token, { maxLength: 40 }), fc.array(fc.nat(400), { maxLength: 5 }), fc.boolean(), (tokens, cuts, response) => {
      record(Buffer.from(tokens.join(''), 'latin1'), cuts, response);
    }), { numRuns: 500 });
  });

  const refused: readonly [string, string, number][] = [
    ['content-length with chunked', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n', 400],
    ['two content-lengths', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\n', 400],
    ['a list of content-lengths', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4, 4\r\n\r\n', 400],
    ['a signed content-length', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +4\r\n\r\n', 400],
    ['an unknown transfer coding', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n', 501],
    ['a disguised transfer coding', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n', 501],
    ['chunked twice', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n', 501],
    ['chunked in HTTP/1.0', 'POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n', 400],
    ['a blank before the colon', 'GET / HTTP/1.1\r\nHost : a\r\n\r\n', 400],
    ['a folded line', 'GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2\r\n\r\n', 400],
    ['a bare line feed', 'GET / HTTP/1.1\nHost: a\n\n', 400],
    ['a bare line feed inside', 'GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n', 400],
    ['a bare carriage return', 'GET / HTTP/1.1\r\nHost: a\r\nX: 1\rY: 2\r\n\r\n', 400],
    ['a zero byte in a value', 'GET / HTTP/1.1\r\nHost: a\r\nX: 1\0\r\n\r\n', 400],
    ['a zero byte in a name', 'GET / HTTP/1.1\r\nHost: a\r\nX\0: 1\r\n\r\n', 400],
    ['two hosts', 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', 400],
    ['no host', 'GET / HTTP/1.1\r\n\r\n', 400],
    ['a host with a path', 'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n', 400],
    ['two blanks in the request line', 'GET  / HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['a control character in the target', 'GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['an unknown version', 'GET / HTTP/1.2\r\nHost: a\r\n\r\n', 505],
    ['a chunk size that is no number', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n', 400],
    ['a chunk size out of range', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n', 400],
    ['a chunk without its end', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n', 400],
    ['a chunk line with a bare line feed', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\r\n', 400],
    ['CONNECT with a body', 'CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\nContent-Length: 4\r\n\r\n', 400],
    ['too many headers', `GET / HTTP/1.1\r\nHost: a\r\n${'X: y\r\n'.repeat(101)}\r\n`, 431],
    ['a head that is too large', `GET / HTTP/1.1\r\nHost: a\r\nX: ${'y'.repeat(70_000)}\r\n\r\n`, 431],
  ];
  it.each(refused)('refuses %s', (_name, message, status) => {
    const events = record(Buffer.from(message, 'latin1'), []);
    expect(events[events.length - 1]).toMatch(new RegExp(`^error ${status} `));
  });

  it('reads a response up to its end by length, chunks or the end of the connection', () => {
    expect(record(Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'), [], true)[1]).toBe('body ok');
    expect(record(Buffer.from('HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 204 No\r\n\r\n'), [], true).length).toBe(2);
    expect(record(Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n'), [], true)[0]).toMatch(/^error/);
  });
});
