// Answers /openapi/v2 and /openapi/v3: negotiates JSON or protobuf, and lets clients keep documents that they have found by their hash.
import type { Exchange } from '../exchange.ts';
import type { Registry } from '../registry.ts';
import { NoSuchPage } from '../status.ts';
import { answerTagged } from '../tagged-answer.ts';
import { openApiV2Protobuf, OPENAPI_V2_PROTOBUF } from './document-v2-protobuf.ts';
import { OPENAPI_V3_PROTOBUF } from './document-v3-protobuf.ts';
import { OpenApiDocuments } from './documents.ts';

const JSON_TYPE = 'application/json';
const YEAR_MILLISECONDS = 365 * 24 * 3600 * 1000;
/** Compressed or not, the long document is another one. */
const PACKED_VARY = { vary: 'Accept-Encoding, Accept' };

/** Serves the documents of one server. */
export class OpenApiHandler {
  readonly #registry: Registry;
  readonly #documents: OpenApiDocuments;
  #two: { readonly generation: number; readonly text: string } | undefined;

  constructor(registry: Registry) {
    this.#registry = registry;
    this.#documents = new OpenApiDocuments(registry);
  }

  /** Answers a path below /openapi. */
  handle(exchange: Exchange, path: string): void {
    if (path === '/openapi/v2') this.#versionTwo(exchange);
    else if (path === '/openapi/v3') exchange.text(200, 'text/plain; charset=utf-8', JSON.stringify(this.#documents.index()));
    else if (path.startsWith('/openapi/v3/')) this.#versionThree(exchange, path.slice('/openapi/v3/'.length));
    else throw new NoSuchPage();
  }

  #versionTwo(exchange: Exchange): void {
    const form = formOf(exchange, OPENAPI_V2_PROTOBUF);
    if (form === undefined) answerEmpty(exchange, 406);
    else if (form === 'protobuf') exchange.text(200, typeOf(OPENAPI_V2_PROTOBUF), openApiV2Protobuf(), PACKED_VARY);
    else answerTagged(exchange, JSON_TYPE, this.#textOfTwo(), PACKED_VARY);
  }

  #textOfTwo(): string {
    const { generation } = this.#registry;
    if (this.#two?.generation !== generation) this.#two = { generation, text: JSON.stringify(this.#documents.versionTwo()) };
    return this.#two.text;
  }

  #versionThree(exchange: Exchange, name: string): void {
    const document = this.#documents.find(name);
    const form = formOf(exchange, OPENAPI_V3_PROTOBUF);
    if (!document || form === undefined) {
      answerEmpty(exchange, document ? 406 : 404);
      return;
    }
    const asked = exchange.info.query.get('hash');
    if (asked !== null && asked !== '' && asked !== document.hash) {
      answerEmpty(exchange, 301, { location: this.#documents.url(name) });
      return;
    }
    // Under its hash a document never changes.
    const kept = asked ? { 'cache-control': 'public, immutable', expires: new Date(Date.now() + YEAR_MILLISECONDS).toUTCString() } : {};
    const body = form === 'json' ? Buffer.from(document.text) : document.protobuf();
    answerTagged(exchange, form === 'json' ? JSON_TYPE : typeOf(OPENAPI_V3_PROTOBUF), body, { ...kept, 'content-length': String(body.length) });
  }
}

/** The form that a client takes first of those that there are. */
function formOf({ request }: Exchange, protobuf: string): 'json' | 'protobuf' | undefined {
  const clauses = (request.headers.accept || '*/*').split(',').map((clause) => clause.split(';', 1)[0]?.trim() ?? '');
  for (const clause of clauses) {
    if (clause === protobuf || clause === typeOf(protobuf)) return 'protobuf';
    if (clause === JSON_TYPE || clause === '*/*' || clause === 'application/*') return 'json';
  }
  return undefined;
}

function typeOf(asked: string): string {
  return asked.replace('@', '.');
}

/** An answer that is its code alone. */
function answerEmpty({ response }: Exchange, code: number, headers: Readonly<Record<string, string>> = {}): void {
  response.writeHead(code, { 'cache-control': 'no-cache, private', 'content-length': 0, ...headers });
  response.end();
}
