// One HTTP request with what the server has found out about it, and the ways to answer.
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { parseDocument } from 'yaml';
import { describeError } from '../../shared/lib/index.ts';
import type { User } from '../auth/index.ts';
import { ApiStatusError } from './internal-client.ts';
import { duplicateFields } from './json-duplicates.ts';
import { decodeProtobuf, PROTOBUF_TYPE } from './protobuf-body.ts';
import { isTrue, type RequestInfo } from './request-info.ts';
import { checkWriteOptions } from './request-options.ts';
import type { FieldValidation, RequestContext } from './request-context.ts';
import { warningHeaders } from './warning-header.ts';
import { badRequest, NoSuchPage, statusOf, unsupportedMediaType } from './status.ts';

const MAX_BODY = 3 * 1024 * 1024;
const JSON_TYPES = ['application/json', 'application/yaml'];

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
    return (this.request.headers['content-type'] ?? 'application/json').split(';')[0]?.trim().toLowerCase() ?? '';
  }

  /** The body as an object, JSON or YAML; undefined when it is empty. */
  async body(types: readonly string[] = JSON_TYPES): Promise<unknown> {
    const bytes = await readBytes(this.request);
    if (bytes.length === 0) return undefined;
    const type = this.contentType();
    if (type === PROTOBUF_TYPE && types === JSON_TYPES) return decodeProtobuf(bytes);
    if (!types.includes(type)) throw unsupportedMediaType(types);
    return parseBody(bytes.toString('utf8'), type, this.#oddities);
  }

  /** Whether the client takes what it asks for in this form, for example `as=Table`. */
  accepts(part: string): boolean {
    return (this.request.headers.accept ?? '').toLowerCase().includes(part.toLowerCase());
  }

  /** Answers with a JSON object. */
  json(code: number, value: unknown): void {
    this.text(code, 'application/json', JSON.stringify(value));
  }

  /** Answers with this text; `headers` are added to those of every answer, or stand in their place. */
  text(code: number, type: string, text: string | Buffer, headers: Readonly<Record<string, string>> = {}): void {
    const { response } = this;
    if (response.headersSent) {
      response.end();
      return;
    }
    this.writeWarnings();
    response.writeHead(code, { 'content-type': type, 'content-length': Buffer.byteLength(text), 'cache-control': 'no-cache, private', 'audit-id': auditId(this.request), ...FLOW, ...headers });
    response.end(this.request.method === 'HEAD' ? undefined : text);
  }

  /** Answers with a Status. */
  fail(error: ApiStatusError): void {
    if (error.code === 429) this.response.setHeader('retry-after', '1');
    if (error instanceof NoSuchPage) this.text(error.code, 'text/plain; charset=utf-8', `${error.message}\n`, NO_SNIFFING);
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
      oddities.push(...document.errors.map(({ linePos }) => `yaml: unmarshal errors: line ${String(linePos?.[0].line ?? 0)}: a key of the mapping is already set`));
      return document.toJS({ maxAliasCount: 100 });
    } catch (error) {
      throw badRequest(`error converting YAML to JSON: yaml: ${error instanceof Error ? error.message.split('\n')[0] ?? '' : String(error)}`);
    }
  }
  try {
    const value: unknown = JSON.parse(text);
    oddities.push(...duplicateFields(text).map((path) => `duplicate field "${path}"`));
    return value;
  } catch (error) {
    throw badRequest(`couldn't get version/kind; json parse error: ${describeError(error)}`);
  }
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

/** A client that names no manager is known by its program. */
function defaultManager(agent: string | undefined): string {
  return (agent ?? 'unknown').split('/')[0]?.slice(0, 128) || 'unknown';
}

function readFieldValidation(query: URLSearchParams): FieldValidation {
  const value = query.get('fieldValidation');
  return value === 'Ignore' || value === 'Strict' ? value : 'Warn';
}
