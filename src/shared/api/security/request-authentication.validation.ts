// The webhook's semantic checks of RequestAuthentication: what a schema can not say. Whatever a proxy would refuse must be found here: it would refuse the listener.
import { isConnectionHeader, type Issue } from '../../lib/index.ts';
import { checkDuration, Findings } from '../networking/validation-rules.ts';
import { checkPolicyTargets } from '../policy-targets.ts';
import { isUsableKey, keysOf } from './key-set-shape.ts';
import type { JwtRule, RequestAuthentication } from './request-authentication.ts';

const HEADER_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const OUTPUT_HEADER_NAME = /^[-_0-9A-Za-z]+$/;
const PRIVATE_MEMBERS = ['d', 'k'];

/** What is wrong with `object`; an error keeps it out. */
export function validateRequestAuthentication(object: RequestAuthentication): Issue[] {
  const findings = new Findings();
  const { jwtRules } = object.spec;
  checkPolicyTargets(object, true, findings);
  jwtRules?.forEach((rule, index) => checkRule(rule, `spec.jwtRules[${index}]`, findings));
  return findings.issues;
}

function checkRule(rule: JwtRule, path: string, findings: Findings): void {
  if (!rule.issuer && !rule.jwksUri) findings.error(`${path}.issuer`, 'The rule has neither issuer nor jwksUri. Give the value of the token\'s iss claim.');
  if (rule.jwksUri && rule.jwks) findings.error(path, 'Only one of jwksUri and jwks can be given.');
  if (rule.jwksUri && !isHttpAddress(rule.jwksUri)) findings.error(`${path}.jwksUri`, `${JSON.stringify(rule.jwksUri)} is not an http or https address.`);
  if (!rule.jwksUri && !rule.jwks && rule.issuer && !isHttpAddress(rule.issuer)) findings.warning(`${path}.issuer`, 'The issuer is no address, so its keys can not be found, and every token of it is refused. Give jwksUri or jwks.');
  if (rule.jwks) checkKeys(rule.jwks, `${path}.jwks`, findings);
  for (const field of ['audiences', 'fromParams', 'fromCookies', 'spaceDelimitedClaims'] as const) {
    rule[field]?.forEach((value, index) => {
      if (value === '') findings.error(`${path}.${field}[${index}]`, 'The value is empty.');
    });
  }
  checkHeaders(rule, path, findings);
  checkDuration(rule.timeout, `${path}.timeout`, findings);
}

/** With a host and without user information, which would be sent wherever the address leads. */
function isHttpAddress(text: string): boolean {
  return /^https?:\/\/(\[[0-9a-fA-F:.]+\]|[^/?#\s@:]+)(:[0-9]{1,5})?([/?][^#\s]*)?$/.test(text);
}

function checkHeaders(rule: JwtRule, path: string, findings: Findings): void {
  rule.fromHeaders?.forEach(({ name }, index) => {
    if (!HEADER_NAME.test(name)) findings.error(`${path}.fromHeaders[${index}].name`, `${JSON.stringify(name)} is not the name of a header.`);
  });
  if (rule.outputPayloadToHeader) checkOutput(rule.outputPayloadToHeader, `${path}.outputPayloadToHeader`, findings);
  const headers = new Set<string>();
  rule.outputClaimToHeaders?.forEach(({ header, claim }, index) => {
    const at = `${path}.outputClaimToHeaders[${index}]`;
    if (claim === '') findings.error(`${at}.claim`, 'The claim has no name.');
    checkOutput(header, `${at}.header`, findings);
    if (headers.has(header.toLowerCase())) findings.error(`${at}.header`, `The header ${header} is given twice.`);
    headers.add(header.toLowerCase());
  });
}

/** Headers that the proxy writes: never those that frame a message or say where it goes. */
function checkOutput(name: string, path: string, findings: Findings): void {
  if (!OUTPUT_HEADER_NAME.test(name)) findings.error(path, `${JSON.stringify(name)} is not the name of a header. Use letters, digits, dashes and underscores.`);
  else if (name.toLowerCase() === 'host' || isConnectionHeader(name.toLowerCase())) findings.error(path, `${name} frames messages or says where they go, and can not be written from a token. Choose another header.`);
}

function checkKeys(jwks: string, path: string, findings: Findings): void {
  const keys = keysOf(jwks);
  if (!keys) return findings.error(path, 'This is not a key set: JSON with a list of keys is needed.');
  if (!keys.some(isUsableKey)) return findings.error(path, 'The key set has no key that can be used: kty RSA with n and e, EC with x and y, OKP with crv and x, or oct with k.');
  keys.forEach((key, index) => {
    if (!isUsableKey(key)) findings.warning(`${path}.keys[${index}]`, 'The key can not be used: its type is unknown, or a member is missing. It is passed over.');
    else if (PRIVATE_MEMBERS.some((member) => member in (key as object))) findings.warning(`${path}.keys[${index}]`, 'The key is private or secret, and whoever reads this object could sign tokens. Publish only public keys.');
  });
}
