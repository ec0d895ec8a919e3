// The stateful session filter's configuration: what is taken, and what is refused with its field.
import { describe, expect, it } from 'vitest';
import { StatefulSession, StatefulSessionPerRoute } from '../../shared/xds/generated/envoy/extensions/filters/http/stateful_session/v3/stateful_session.ts';
import { CookieBasedSessionState } from '../../shared/xds/generated/envoy/extensions/http/stateful_session/cookie/v3/cookie.ts';
import { HeaderBasedSessionState } from '../../shared/xds/generated/envoy/extensions/http/stateful_session/header/v3/header.ts';
import { packAny } from '../../shared/xds/index.ts';
import { Findings } from './findings.ts';
import { statefulSession, statefulSessionPerRoute } from './stateful-session.ts';

const STATE = 'envoy.extensions.http.stateful_session';
const cookie = (message: CookieBasedSessionState): StatefulSession => ({ sessionState: { name: 'c', typedConfig: packAny(`${STATE}.cookie.v3.CookieBasedSessionState`, CookieBasedSessionState, message) } });
const header = (message: HeaderBasedSessionState): StatefulSession => ({ sessionState: { name: 'h', typedConfig: packAny(`${STATE}.header.v3.HeaderBasedSessionState`, HeaderBasedSessionState, message) }, strict: true });

function taken(message: StatefulSession): { readonly config: unknown; readonly refused: readonly (string | undefined)[] } {
  const findings = new Findings('Listener', 'l');
  const config = statefulSession(StatefulSession.encode(message).finish(), 'typed_config', findings);
  return { config, refused: findings.issues.map(({ path }) => path) };
}

function perRoute(message: StatefulSessionPerRoute): { readonly config: unknown; readonly refused: readonly (string | undefined)[] } {
  const findings = new Findings('RouteConfiguration', 'r');
  const config = statefulSessionPerRoute(StatefulSessionPerRoute.encode(message).finish(), 'override', findings);
  return { config, refused: findings.issues.map(({ path }) => path) };
}

describe('stateful sessions', () => {
  it('are kept by cookie, by header, or by routes alone', () => {
    expect(taken(cookie({ cookie: { name: 'stay', path: '/shop', ttl: { seconds: 60 } } }))).toEqual({ config: { kind: 'stateful_session', strict: false, session: { kind: 'cookie', name: 'stay', path: '/shop', ttlSeconds: 60 } }, refused: [] });
    expect(taken(header({ name: 'X-Host' }))).toEqual({ config: { kind: 'stateful_session', strict: true, session: { kind: 'header', name: 'x-host' } }, refused: [] });
    expect(taken({})).toEqual({ config: { kind: 'stateful_session', strict: false, session: null }, refused: [] });
  });

  it('are switched off or replaced by a route', () => {
    expect(perRoute({ override: { $case: 'disabled', disabled: true } })).toEqual({ config: { disabled: true }, refused: [] });
    expect(perRoute({ override: { $case: 'statefulSession', statefulSession: header({ name: 'a' }) } })).toMatchObject({ config: { session: { name: 'a' } }, refused: [] });
  });

  it.each([
    ['a cookie without a name', taken(cookie({ cookie: {} })), 'typed_config.session_state.typed_config.cookie.name'],
    ['a header without a name', taken(header({})), 'typed_config.session_state.typed_config.name'],
    ['another state', taken({ sessionState: { name: 'x', typedConfig: { typeUrl: 'type.googleapis.com/x.Y', value: new Uint8Array() } } }), 'typed_config.session_state.typed_config'],
    ['an override that says nothing', perRoute({}), 'override'],
  ])('refuse %s', (_name, { refused }, path) => expect(refused).toEqual([path]));
});
