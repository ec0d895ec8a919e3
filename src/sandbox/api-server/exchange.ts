// One HTTP request with what the server has found out about it, and the ways to answer.
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { parseDocument, stringify, YAMLParseError } from 'yaml';
import { describeError } from '../../shared/lib/index.ts';
import type { User } from '../auth/index.ts';
import { ApiStatusError } from './internal-client.ts';
import { duplicateFields } from './json-duplicates.ts';
import { takesOnlyProtobuf, wantsYaml } from './negotiation.ts';
import { decodeProtobuf, PROTOBUF_TYPE } from './protobuf-body.ts';
import { encodeStatus } from './protobuf-status.ts';
import { isTrue, type RequestInfo } from './request-info.ts';
import { checkWriteOptions } from './request-options.ts';
import type { FieldValidation, RequestContext } from './request-context.ts';
import { UnreadableBody } from './unreadable-body.ts';
import { warningHeaders } from './warning-header.ts';
import { NoSuchPage, statusOf, unsupportedMediaType } from './status.ts';

const MAX_BODY = 3 * 1024 * 1024;
const JSON_TYPES = ['application/json', 'application/yaml'];
/** Bodies that are longer than this are sent in pieces, and those beyond the other bound packed for who takes that. */
const WHOLE_BYTES = 2048;
const GZIP_BYTES = 128 * 1024;

/** Plain text is not to be taken for anything else. */
export const NO_SNIFFING = { 'x-content-type-options': 'nosniff' };

/** A request and its answer. */
export class Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly info: RequestInfo;
  readonly user: User;
  readonly warnings: string[] = [];
  readonly #oddities: string[] = [];
  /** Whether the answer is sent in pieces however short it is, as Tables are: their columns tell more of themselves in a cluster. */
  isInPieces = false;

  constructor(request: IncomingMessage, response: ServerResponse, info: RequestInfo, user: User) {
    this.request = request;
    this.response = response;
    this.info = info;
    this.user = user;
  }

  /** The circumstances of a write. */
  context(): RequestContext {
    const { query } = this.info;
    const { method } = this.request;
    if (method === 'POST' || method === 'PUT' || method === 'PATCH') checkWriteOptions(method === 'POST' ? 'CreateOptions' : method === 'PUT' ? 'UpdateOptions' : 'PatchOptions', query, this.contentType().startsWith('application/apply-patch'));
    return {
      user: this.user,
      fieldManager: query.get('fieldManager') ?? defaultManager(this.request.headers['user-agent']),
      dryRun: query.getAll('dryRun').includes('All'),
      fieldValidation: readFieldValidation(query),
      force: isTrue(query.get('force')),
      warnings: this.warnings,
      oddities: this.#oddities,
      options: statedOptions(query),
    };
  }

  /** The media type of the body, without parameters. */
  contentType(): string {
    const [type = '', ...parameters] = (this.request.headers['content-type'] || 'application/json').split(';');
    // A parameter without a value makes it no media type at all.
    return parameters.every((parameter) => parameter.trim() === '' || parameter.includes('=')) ? type.trim().toLowerCase() : '';
  }

  /** The body as an object, JSON or YAML; undefined when it is empty. */
  async body(types: readonly string[] = JSON_TYPES): Promise<unknown> {
    const bytes = await readBytes(this.request);
    if (bytes.length === 0) return undefined;
    const type = this.contentType();
    if (type === PROTOBUF_TYPE && types === JSON_TYPES) return decodeProtobuf(bytes);
    if (!types.includes(type)) throw unsupportedMediaType(types === JSON_TYPES ? [...types, PROTOBUF_TYPE] : types);
    return parseBody(bytes.toString('utf8'), type, this.#oddities);
  }

  /** Whether the client takes what it asks for in this form, for example `as=Table`. */
  accepts(part: string): boolean {
    return (this.request.headers.accept ?? '').toLowerCase().includes(part.toLowerCase());
  }

  /** Answers with a JSON object. */
  json(code: number, value: unknown): void {
    this.jsonText(code, JSON.stringify(value));
  }

  /** Answers with JSON that is text already; a client that asked for YAML gets that. */
  jsonText(code: number, text: string): void {
    if (wantsYaml(this.request.headers.accept ?? '')) this.text(code, 'application/yaml', stringify(JSON.parse(text), { version: '1.1', sortMapEntries: true, lineWidth: 0, indentSeq: false, aliasDuplicateObjects: false, defaultStringType: 'PLAIN', defaultKeyType: 'PLAIN' }));
    else this.text(code, 'application/json', text);
  }

  /** Answers with this text; `headers` are added to those of every answer, or stand in their place. */
  text(code: number, type: string, text: string | Buffer, headers: Readonly<Record<string, string>> = {}): void {
    const { response } = this;
    if (response.headersSent) {
      response.end();
      return;
    }
    this.writeWarnings();
    const bytes = Buffer.from(text);
    const isPacked = bytes.length > GZIP_BYTES && headers['content-length'] === undefined && acceptsGzip(this.request);
    const sent = isPacked ? gzipSync(bytes, { level: 1 }) : bytes;
    const isInPieces = this.request.method !== 'HEAD' && (sent.length > WHOLE_BYTES || this.isInPieces || (isPacked && type === 'application/yaml'));
    response.writeHead(code, {
      'content-type': type,
      ...(isInPieces ? {} : { 'content-length': sent.length }),
      'cache-control': 'no-cache, private', 'audit-id': auditId(this.request), ...FLOW, ...headers,
      ...(isPacked ? { 'content-encoding': 'gzip', vary: packedVary(headers['vary']) } : {}),
    });
    response.end(this.request.method === 'HEAD' ? undefined : sent);
  }

  /** Answers with a Status. */
  fail(error: ApiStatusError): void {
    if (error.code === 429) this.response.setHeader('retry-after', '1');
    if (error instanceof NoSuchPage) this.text(error.code, 'text/plain; charset=utf-8', `${error.message}\n`, NO_SNIFFING);
    else if (takesOnlyProtobuf(this.request.headers.accept ?? '')) this.text(error.code, PROTOBUF_TYPE, encodeStatus(statusOf(error)));
    else this.json(error.code, statusOf(error));
  }

  /** Puts the warnings so far into the headers. */
  writeWarnings(): void {
    if (this.warnings.length === 0) return;
this.response.setHeader('warning', warningHeaders(this.warnings));
  }
}

/** Which rule of fairness a request fell under: there is one for all here. */
const FLOW = { 'x-kubernetes-pf-flowschema-uid': randomUUID(), 'x-kubernetes-pf-prioritylevel-uid': randomUUID() };

/** What an answer varies by when it is packed. */
function packedVary(vary = ''): string {
  if (vary === '') return 'Accept-Encoding';
  return vary.startsWith('Accept-Encoding') ? vary : `Accept-Encoding, ${vary}`;
}

function acceptsGzip(request: IncomingMessage): boolean {
  return String(request.headers['accept-encoding'] ?? '').split(',').some((part) => part.trim() === 'gzip');
}

/** How a request is found in the logs: by the name that its client gave it, or one of its own. */
function auditId(request: IncomingMessage): string {
  const given = request.headers['audit-id'];
  return typeof given === 'string' && given !== '' ? given : randomUUID();
}

function parseBody(text: string, type: string, oddities: string[]): unknown {
  if (type.endsWith('yaml')) {
    try {
      const document = parseDocument(text);
      const [problem] = document.errors.filter(({ code }) => code !== 'DUPLICATE_KEY');
      if (problem) throw problem;
      oddities.push(...document.errors.map(({ linePos, pos }) => `line ${String(linePos?.[0].line ?? 0)}: key ${JSON.stringify(keyAt(text, pos[0]))} already set in map`));
      return document.toJS({ maxAliasCount: 100 });
    } catch (error) {
      throw new UnreadableBody(yamlProblem(text, error), Buffer.from(text));
    }
  }
  try {
    const value: unknown = JSON.parse(text);
    oddities.push(...duplicateFields(text).map((path) => `duplicate field "${path}"`));
    return value;
  } catch (error) {
    throw new UnreadableBody(`couldn't get version/kind; json parse error: ${describeError(error)}`, Buffer.from(text));
  }
}

/** A text that is no YAML: one that ends too early is described by its last line. */
function yamlProblem(text: string, error: unknown): string {
  const isCutOff = error instanceof YAMLParseError && error.pos[0] >= text.trimEnd().length;
  const words = isCutOff ? `line ${String(text.trimEnd().split('\n').length)}: did not find expected node content` : error instanceof Error ? error.message.split('\n')[0] ?? '' : String(error);
  return `yaml: ${words}`;
}

async function readBytes(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY) throw new ApiStatusError(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${String(MAX_BODY)}`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The options of a write that its query states. */
function statedOptions(query: URLSearchParams): Record<string, unknown> {
  const dryRun = query.getAll('dryRun').filter((value) => value !== '');
  const [fieldManager, fieldValidation] = [query.get('fieldManager'), query.get('fieldValidation')];
  return { ...(dryRun.length === 0 ? {} : { dryRun }), ...(fieldManager ? { fieldManager } : {}), ...(fieldValidation ? { fieldValidation } : {}) };
}

/** The key of a YAML mapping that begins there. */
function keyAt(text: string, position: number): string {
  return (/^[^:\n]+/.exec(text.slice(position))?.[0] ?? '').trim().replace(/^["']|["']$/g, '');
}

/** A client that names no manager is known by its program. */
function defaultManager(agent: string | undefined): string {
  return (agent ?? 'unknown').split('/')[0]?.slice(0, 128) || 'unknown';
}

function readFieldValidation(query: URLSearchParams): FieldValidation {
  const value = query.get('fieldValidation');
  return value === 'Ignore' || value === 'Strict' ? value : 'Warn';
}
