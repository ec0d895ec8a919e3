// Sessions that stay with one endpoint (envoy.extensions.filters.http.stateful_session.v3): a cookie or a header carries its address.
import { StatefulSession, StatefulSessionPerRoute } from '../../shared/xds/generated/envoy/extensions/filters/http/stateful_session/v3/stateful_session.ts';
import { CookieBasedSessionState } from '../../shared/xds/generated/envoy/extensions/http/stateful_session/cookie/v3/cookie.ts';
import { HeaderBasedSessionState } from '../../shared/xds/generated/envoy/extensions/http/stateful_session/header/v3/header.ts';
import type { Findings } from './findings.ts';
import type { SessionStateConfig, StatefulSessionConfig } from './stateful-session-config.ts';
import { typedConfig } from './typed-struct.ts';
import { milliseconds } from './values.ts';

/** The filter. */
export function statefulSession(bytes: Uint8Array, path: string, findings: Findings): StatefulSessionConfig {
  return sessionConfig(StatefulSession.decode(bytes), path, findings);
}

/** A route's replacement of it. */
export function statefulSessionPerRoute(bytes: Uint8Array, path: string, findings: Findings): StatefulSessionConfig | { readonly disabled: true } {
  const { override } = StatefulSessionPerRoute.decode(bytes);
  if (override?.$case === 'statefulSession') return sessionConfig(override.statefulSession, `${path}.stateful_session`, findings);
  if (!override?.disabled) findings.refuse(path, 'Either disabled must be true or stateful_session be given.');
  return { disabled: true };
}

function sessionConfig(message: StatefulSession, path: string, findings: Findings): StatefulSessionConfig {
  return { kind: 'stateful_session', session: message.sessionState ? stateOf(message.sessionState.typedConfig, `${path}.session_state.typed_config`, findings) : null, strict: message.strict ?? false };
}

function stateOf(any: Parameters<typeof typedConfig>[0], path: string, findings: Findings): SessionStateConfig | null {
  const { type, bytes } = typedConfig(any);
  if (type === 'envoy.extensions.http.stateful_session.cookie.v3.CookieBasedSessionState') {
    const { cookie } = CookieBasedSessionState.decode(bytes);
    if (!cookie?.name) findings.refuse(`${path}.cookie.name`, 'A cookie name is needed.');
    return { kind: 'cookie', name: cookie?.name ?? '', path: cookie?.path ?? '', ttlSeconds: Math.floor(milliseconds(cookie?.ttl, 0) / 1000) };
  }
  if (type === 'envoy.extensions.http.stateful_session.header.v3.HeaderBasedSessionState') {
    const { name = '' } = HeaderBasedSessionState.decode(bytes);
    if (name === '') findings.refuse(`${path}.name`, 'A header name is needed.');
    return { kind: 'header', name: name.toLowerCase() };
  }
  findings.refuse(path, `Session state of type ${JSON.stringify(type)} is not supported by this proxy. Use a cookie or a header.`);
  return null;
}
