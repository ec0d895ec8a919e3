// The webhook's semantic checks of RequestAuthentication: what a schema can not say. The kind is refused as a whole, since no token is ever validated; one that is
// stored already is never in force and says so.
import type { Issue } from '../../lib/index.ts';
import { checkDuration, checkLabels, Findings } from '../networking/validation-rules.ts';
import type { JwtRule, RequestAuthentication } from './request-authentication.ts';

/** What is wrong with `object`; an error keeps it out. */
export function validateRequestAuthentication(object: RequestAuthentication): Issue[] {
  const findings = new Findings();
  const { selector, targetRef, targetRefs, jwtRules } = object.spec;
  findings.notEnforced('spec', 'JSON Web Tokens are not enforced by this version: requests with bad tokens or none would be let in. Check tokens in the application or in front of the mesh, and delete this object.');
  if ([selector, targetRef, targetRefs?.length].filter(Boolean).length > 1) findings.error('spec', 'Only one of selector, targetRef and targetRefs can be given.');
  checkLabels(selector?.matchLabels, 'spec.selector.matchLabels', findings);
  jwtRules?.forEach((rule, index) => checkRule(rule, `spec.jwtRules[${index}]`, findings));
  return findings.issues;
}

function checkRule(rule: JwtRule, path: string, findings: Findings): void {
  if (!rule.issuer) findings.error(`${path}.issuer`, 'The rule has no issuer. Give the value of the token\'s iss claim.');
  if (rule.jwksUri && rule.jwks) findings.error(path, 'Only one of jwksUri and jwks can be given.');
  if (rule.jwksUri && !/^https?:\/\/[^/]+/.test(rule.jwksUri)) findings.error(`${path}.jwksUri`, `${JSON.stringify(rule.jwksUri)} is not an http or https address.`);
  if (rule.jwks) checkKeys(rule.jwks, `${path}.jwks`, findings);
  rule.audiences?.forEach((audience, index) => {
    if (audience === '') findings.error(`${path}.audiences[${index}]`, 'The audience is empty.');
  });
  rule.fromHeaders?.forEach(({ name }, index) => {
    if (name === '') findings.error(`${path}.fromHeaders[${index}].name`, 'The header has no name.');
  });
  const headers = new Set<string>();
  rule.outputClaimToHeaders?.forEach(({ header, claim }, index) => {
    if (header === '' || claim === '') findings.error(`${path}.outputClaimToHeaders[${index}]`, 'Both header and claim are needed.');
    if (headers.has(header.toLowerCase())) findings.error(`${path}.outputClaimToHeaders[${index}].header`, `The header ${header} is given twice.`);
    headers.add(header.toLowerCase());
  });
  checkDuration(rule.timeout, `${path}.timeout`, findings);
}

function checkKeys(jwks: string, path: string, findings: Findings): void {
  let parsed: unknown;
  try {
    parsed = JSON.parse(jwks);
  } catch {
    return findings.error(path, 'The key set is not JSON.');
  }
  const keys = (parsed as { keys?: unknown } | null)?.keys;
  if (!Array.isArray(keys) || keys.length === 0) return findings.error(path, 'The key set has no keys.');
  if (keys.some((key: unknown) => typeof key === 'object' && key !== null && 'd' in key)) findings.warning(path, 'The key set holds a private key. Publish only public keys.');
}
