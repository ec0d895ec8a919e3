// Asks an authorization service in plain HTTP: the request's head, with the service's path before its own, and the answer's status and headers as the verdict.
import { isConnectionHeader } from '../../../../shared/lib/index.ts';
import type { HttpAuthorizationConfig } from '../../../config/ext-authz-config.ts';
import type { StringMatchConfig } from '../../../config/match-config.ts';
import { compileMutations, mutateRequest, type CompiledMutations } from '../../../route/header-mutations.ts';
import type { CheckAnswer, CheckQuestion } from '../../../service-messages/authorization.ts';
import type { HeaderChange } from '../../../service-messages/header-change.ts';
import { RequestHeaders, type HeaderMap } from '../../../stream/header-map.ts';
import type { StreamInfo } from '../../../stream/stream-info.ts';
import { compileStringMatcher, type StringMatcher } from '../../../stream/string-matcher.ts';
import { callCluster, type ClusterAnswer } from '../../cluster-call.ts';
import type { FilterServices } from '../../services.ts';

/** The service names headers to take from the request in this one. */
const HEADERS_TO_REMOVE = 'x-envoy-auth-headers-to-remove';
const MAXIMUM_ANSWER_BYTES = 1024 * 1024;

/** Whether one of `list` matches. */
export function anyMatcher(list: readonly StringMatchConfig[]): StringMatcher {
  const matchers = list.map(compileStringMatcher);
  return (text) => matchers.some((matches) => matches(text));
}

/** Asks one service. */
export class HttpCheck {
  readonly #config: HttpAuthorizationConfig;
  readonly #services: FilterServices;
  readonly #mutations: readonly CompiledMutations[];
  readonly #upstream: StringMatcher;
  readonly #upstreamAppend: StringMatcher;
  readonly #client: StringMatcher;
  readonly #clientOnSuccess: StringMatcher;
  readonly #metadata: StringMatcher;

  constructor(config: HttpAuthorizationConfig, services: FilterServices) {
    this.#config = config;
    this.#services = services;
    const mutations = compileMutations({ requestAdd: config.requestAdd, requestRemove: [], responseAdd: [], responseRemove: [] });
    this.#mutations = mutations ? [mutations] : [];
    this.#upstream = anyMatcher(config.upstreamHeaders);
    this.#upstreamAppend = anyMatcher(config.upstreamHeadersToAppend);
    this.#client = config.clientHeaders ? anyMatcher(config.clientHeaders) : (name) => name !== 'host';
    this.#clientOnSuccess = anyMatcher(config.clientHeadersOnSuccess);
    this.#metadata = anyMatcher(config.metadataFromHeaders);
  }

  /** Asks; returns the way to give up. */
  ask(question: CheckQuestion, info: StreamInfo, done: (answer: CheckAnswer) => void): () => void {
    const { cluster, timeoutMilliseconds } = this.#config;
    // There is no asking about a tunnel without opening one.
    if (question.method === 'CONNECT') {
      done({ kind: 'error' });
      return () => undefined;
    }
    const body = question.body !== null && question.body.length > 0 ? question.body : null;
    const call = { cluster, headers: this.#headersOf(question, body, info), body, timeoutMilliseconds, maximumAnswerBytes: MAXIMUM_ANSWER_BYTES, protocol: 'HTTP/1.1' as const };
    return callCluster(this.#services, call, (answer) => done(answer ? this.#read(answer) : { kind: 'error' }));
  }

  #headersOf(question: CheckQuestion, body: Buffer | null, info: StreamInfo): RequestHeaders {
    const headers = new RequestHeaders();
    headers.method = question.method;
    headers.path = this.#config.pathPrefix + question.path;
    headers.authority = question.host;
    headers.add('content-length', String(body?.length ?? 0));
    for (const [name, value] of question.headers) if (!name.startsWith(':') && name !== 'host' && name !== 'expect' && !isConnectionHeader(name)) headers.add(name, value);
    mutateRequest(this.#mutations, headers, info);
    return headers;
  }

  #read({ headers, body }: ClusterAnswer): CheckAnswer {
    const { status } = headers;
    if (status >= 500) return { kind: 'error' };
    const requestRemove = namesIn(headers.get(HEADERS_TO_REMOVE));
    headers.remove(HEADERS_TO_REMOVE);
    const metadata = this.#metadataOf(headers);
    const responseChanges = taken(headers, this.#clientOnSuccess, 'add');
    if (status !== 200) return { kind: 'denied', status, changes: taken(headers, this.#client, 'set'), body, metadata };
    const requestChanges = [...taken(headers, this.#upstream, 'set'), ...taken(headers, this.#upstreamAppend, 'add')];
    return { kind: 'ok', requestChanges, requestRemove, responseChanges, querySet: [], queryRemove: [], metadata };
  }

  #metadataOf(headers: HeaderMap): Readonly<Record<string, unknown>> | null {
    const found = taken(headers, this.#metadata, 'set');
    return found.length === 0 ? null : Object.fromEntries(found.map(({ name, value }) => [name, value]));
  }
}

function namesIn(text: string | undefined): readonly string[] {
  return (text ?? '').split(',').map((name) => name.trim().toLowerCase()).filter((name) => name !== '');
}

function taken(headers: HeaderMap, matches: StringMatcher, action: HeaderChange['action']): HeaderChange[] {
  const { items } = headers;
  const changes: HeaderChange[] = [];
  for (let index = 0; index < items.length; index += 2) {
    const name = items[index] ?? '';
    if (matches(name)) changes.push({ name, value: items[index + 1] ?? '', action });
  }
  return changes;
}
