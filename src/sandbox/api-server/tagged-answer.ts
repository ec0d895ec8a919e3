// Documents that clients keep between two runs, discovery and OpenAPI: they have an entity tag (RFC 9110 section 8.8.3), and a client that names the tag
// of what there is now gets no second copy.
import { createHash } from 'node:crypto';
import type { Exchange } from './exchange.ts';

/** Answers with a document, or with 304 when the client has it already; `known` is its hash. */
export function answerTagged(exchange: Exchange, type: string, text: string | Buffer, headers: Readonly<Record<string, string>> = {}, known = hashOf(text)): void {
  const { request, response } = exchange;
  const tag = `"${known}"`;
  if (request.headers['if-none-match'] === tag) {
    const { 'content-length': _length, ...kept } = headers;
    response.writeHead(304, { etag: tag, vary: 'Accept', 'cache-control': 'no-cache, private', ...kept });
    response.end();
    return;
  }
  exchange.text(200, type, text, { etag: tag, vary: 'Accept', ...headers });
}

function hashOf(text: string | Buffer): string {
  return createHash('sha512').update(text).digest('hex').toUpperCase();
}
