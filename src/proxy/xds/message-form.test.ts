// What the admin interface shows of messages that hold secrets among other things.
import { expect, it } from 'vitest';
import { JwtAuthentication } from '../../shared/xds/generated/envoy/extensions/filters/http/jwt_authn/v3/config.ts';
import { messageForm } from './message-form.ts';

const TYPE = 'type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication';
const formOf = (inlineString: string): unknown => messageForm(TYPE, JwtAuthentication.encode({ providers: { 'origins-0': { issuer: 'me', jwksSourceSpecifier: { $case: 'localJwks', localJwks: { specifier: { $case: 'inlineString', inlineString } } } } } }).finish());

it('shows token providers by name with their public keys, and no secret', () => {
  const form = formOf(JSON.stringify({ keys: [{ kty: 'oct', kid: 'a', k: 'SECRET' }, { kty: 'RSA', n: 'PUBLIC', d: 'PRIVATE' }] }));
  expect(form).toMatchObject({ '@type': TYPE, providers: { 'origins-0': { issuer: 'me', local_jwks: { inline_string: '{"keys":[{"kty":"oct","kid":"a","k":"[redacted]"},{"kty":"RSA","n":"PUBLIC","d":"[redacted]"}]}' } } } });
  expect(formOf('no JSON: SECRET')).toMatchObject({ providers: { 'origins-0': { local_jwks: { inline_string: '[redacted]' } } } });
});
