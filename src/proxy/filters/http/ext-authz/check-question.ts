// What an authorization service is told of a request: both ends of the connection, the request's head, what was kept of its body, and what filters found out.
import type { ExtAuthzConfig } from '../../../config/ext-authz-config.ts';
import type { CheckQuestion } from '../../../service-messages/authorization.ts';
import type { RequestHeaders } from '../../../stream/header-map.ts';
import type { StreamInfo } from '../../../stream/stream-info.ts';
import type { StringMatcher } from '../../../stream/string-matcher.ts';
import { checkPeers } from '../../check-peers.ts';

/** Tells the service whether it sees the whole body. */
export const PARTIAL_BODY = 'x-envoy-auth-partial-body';

/** A body as far as it is told. */
export interface CheckBody { readonly data: Buffer; readonly partial: boolean }

/** Which headers are told. */
export interface ToldHeaders { readonly allowed: StringMatcher | null; readonly disallowed: StringMatcher | null }

/** Makes the question. */
export function checkQuestion(config: ExtAuthzConfig, told: ToldHeaders, info: StreamInfo, headers: RequestHeaders, body: CheckBody | null, contextExtensions: Readonly<Record<string, string>>): CheckQuestion {
  const { connection } = info;
  const list = toldHeaders(headers, told, config.encodeRawHeaders);
  if (body) list.push([PARTIAL_BODY, String(body.partial)]);
  return {
    ...checkPeers(connection, config.includePeerCertificate, headers.get('x-envoy-downstream-service-cluster') ?? ''),
    startTime: info.startTime,
    id: info.requestId === '' ? String(connection.id) : info.requestId,
    method: headers.method, path: headers.path, host: headers.authority, scheme: headers.scheme,
    protocol: info.protocol,
    size: info.bytesReceived,
    headers: list,
    rawHeaders: config.encodeRawHeaders,
    body: body?.data ?? null,
    bodyAsBytes: config.packAsBytes,
    contextExtensions,
    metadata: new Map(config.metadataNamespaces.flatMap((name) => {
      const value = info.dynamicMetadata.get(name);
      return value === undefined ? [] : [[name, value] as const];
    })),
    sni: config.includeTlsSession ? connection.tls?.sni ?? '' : null,
  };
}

/** The headers with the pseudo-headers; several values of one name become one, unless they are told raw. */
function toldHeaders(headers: RequestHeaders, { allowed, disallowed }: ToldHeaders, raw: boolean): [string, string][] {
  const list: [string, string][] = [];
  const places = new Map<string, number>();
  const tell = (name: string, value: string): void => {
    // A client does not speak for us of the body.
    if (name === PARTIAL_BODY || disallowed?.(name) || allowed?.(name) === false) return;
    const present = raw ? undefined : list[places.get(name) ?? -1];
    if (present) present[1] += `,${value}`;
    else {
      places.set(name, list.length);
      list.push([name, value]);
    }
  };
  for (const name of [':authority', ':path', ':method', ':scheme']) tell(name, headers.get(name) ?? '');
  const { items } = headers;
  for (let index = 0; index < items.length; index += 2) tell(items[index] ?? '', items[index + 1] ?? '');
  return list;
}
