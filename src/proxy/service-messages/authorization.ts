// The question to an authorization service and its answer (envoy.service.auth.v3), between plain data and bytes. Used by the external authorization filter.
import type { Address } from '../../shared/xds/generated/envoy/config/core/v3/address.ts';
import type { AttributeContext_HttpRequest, AttributeContext_Peer } from '../../shared/xds/generated/envoy/service/auth/v3/attribute_context.ts';
import { CheckRequest, CheckResponse, type OkHttpResponse } from '../../shared/xds/generated/envoy/service/auth/v3/external_auth.ts';
import type { StreamInfo } from '../stream/stream-info.ts';
import { headerChanges, textOf, type HeaderChange } from './header-change.ts';

/** The gRPC method that is asked. */
export const CHECK_METHOD = '/envoy.service.auth.v3.Authorization/Check';

/** One end of the connection. */
export interface CheckPeer {
  readonly host: string;
  readonly port: number;
  readonly principal: string;
  /** PEM, percent-encoded; empty for none. */
  readonly certificate: string;
  readonly service: string;
}

/** All that a service is told. Header values are byte strings. */
export interface CheckQuestion {
  readonly source: CheckPeer;
  readonly destination: CheckPeer;
  /** Milliseconds since 1970; null for a connection, which has no request. */
  readonly startTime: number | null;
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly host: string;
  readonly scheme: string;
  readonly protocol: string;
  readonly size: number;
  /** Each name once unless `rawHeaders`. */
  readonly headers: readonly (readonly [string, string])[];
  readonly rawHeaders: boolean;
  readonly body: Buffer | null;
  readonly bodyAsBytes: boolean;
  readonly contextExtensions: Readonly<Record<string, string>>;
  readonly metadata: StreamInfo['dynamicMetadata'];
  /** Null: not to be told. */
  readonly sni: string | null;
}

/** What the service says. */
export type CheckAnswer =
  | {
    readonly kind: 'ok';
    readonly requestChanges: readonly HeaderChange[];
    readonly requestRemove: readonly string[];
    readonly responseChanges: readonly HeaderChange[];
    readonly querySet: readonly (readonly [string, string])[];
    readonly queryRemove: readonly string[];
    readonly metadata: Readonly<Record<string, unknown>> | null;
  }
  | { readonly kind: 'denied'; readonly status: number; readonly changes: readonly HeaderChange[]; readonly body: string | Buffer; readonly metadata: Readonly<Record<string, unknown>> | null }
  | { readonly kind: 'error' };

/** The bytes of a question. */
export function encodeCheckQuestion(question: CheckQuestion): Uint8Array {
  const { startTime, sni } = question;
  return CheckRequest.encode({
    attributes: {
      source: peerOf(question.source),
      destination: peerOf(question.destination),
      ...(startTime === null ? {} : { request: { time: { seconds: Math.floor(startTime / 1000), nanos: Math.round((startTime % 1000) * 1e6) }, http: httpOf(question) } }),
      contextExtensions: { ...question.contextExtensions },
      ...(question.metadata.size === 0 ? {} : { metadataContext: { filterMetadata: Object.fromEntries(question.metadata) } }),
      ...(sni === null ? {} : { tlsSession: { sni } }),
    },
  }).finish();
}

function httpOf({ id, method, path, host, scheme, protocol, size, headers, rawHeaders, body, bodyAsBytes }: CheckQuestion): AttributeContext_HttpRequest {
  return {
    id, method: textOf(method), path: textOf(path), host: textOf(host), scheme, protocol, size,
    ...(rawHeaders ? { headerMap: { headers: headers.map(([key, value]) => ({ key, rawValue: Buffer.from(value, 'latin1') })) } } : { headers: Object.fromEntries(headers.map(([key, value]) => [key, textOf(value)])) }),
    ...(body === null ? {} : bodyAsBytes ? { rawBody: body } : { body: textOf(body.toString('latin1')) }),
  };
}

function peerOf({ host, port, principal, certificate, service }: CheckPeer): AttributeContext_Peer {
  const address: Address = { address: { $case: 'socketAddress', socketAddress: { address: host, portSpecifier: { $case: 'portValue', portValue: port } } } };
  return { address, principal: textOf(principal), certificate, service: textOf(service) };
}

/** Reads an answer; one that does not decode is an error. */
export function decodeCheckAnswer(bytes: Uint8Array): CheckAnswer {
  let message: CheckResponse;
  try {
    message = CheckResponse.decode(bytes);
  } catch (_malformed) {
    return { kind: 'error' };
  }
  const form = message.httpResponse;
  const metadata = (form?.$case === 'okResponse' ? form.okResponse.dynamicMetadata : undefined) ?? message.dynamicMetadata ?? null;
  if ((message.status?.code ?? 0) === 0) return okAnswer(form?.$case === 'okResponse' ? form.okResponse : {}, metadata);
  const denied = form?.$case === 'deniedResponse' ? form.deniedResponse : {};
  return { kind: 'denied', status: denied.status?.code || 403, changes: headerChanges(denied.headers, 'response'), body: denied.body ?? '', metadata };
}

function okAnswer(message: OkHttpResponse, metadata: Readonly<Record<string, unknown>> | null): CheckAnswer {
  return {
    kind: 'ok',
    requestChanges: headerChanges(message.headers, 'request'),
    requestRemove: (message.headersToRemove ?? []).map((name) => name.toLowerCase()),
    responseChanges: headerChanges(message.responseHeadersToAdd, 'response'),
    querySet: (message.queryParametersToSet ?? []).map(({ key = '', value = '' }) => [key, value]),
    queryRemove: message.queryParametersToRemove ?? [],
    metadata,
  };
}
