// The webhook's semantic checks of AuthorizationPolicy: what a schema can not say.
import type { Issue } from '../../lib/index.ts';
import { Findings, isAddressOrBlock } from '../networking/validation-rules.ts';
import type { AuthorizationPolicy, Operation, PolicyCondition, PolicyRule, Source } from './authorization-policy.ts';
import { checkPolicyTargets } from '../policy-targets.ts';

const CONDITION_KEYS = new Set([
  'source.ip', 'remote.ip', 'source.namespace', 'source.principal', 'source.serviceAccount', 'source.trustDomain',
  'request.auth.principal', 'request.auth.audiences', 'request.auth.presenter', 'destination.ip', 'destination.port', 'connection.sni',
]);
const CONDITION_FORMS = [/^request\.headers\[[^\]]+\]$/, /^request\.auth\.claims(\[[^\]]+\])+$/];
/** What other filters found out about a request; those that a proxy of ours has. */
const READ_METADATA = /^experimental\.envoy\.filters\.http\.(?:ext_authz|jwt_authn|rbac)\[[^\]]+\]$/;
const FILTER_METADATA = /^experimental\.envoy\.filters\.[^[]+\[[^\]]+\]$/;
const HTTP_OPERATIONS = ['hosts', 'notHosts', 'methods', 'notMethods', 'paths', 'notPaths'] as const;

/** What is wrong with `object`; an error keeps it out. */
export function validateAuthorizationPolicy(object: AuthorizationPolicy): Issue[] {
  const findings = new Findings();
  const { spec } = object;
  const action = spec.action ?? 'ALLOW';
  checkPolicyTargets(object, true, findings);
  if (action === 'CUSTOM' && !spec.provider?.name) findings.error('spec.provider', 'CUSTOM needs a provider. Name one of the mesh configuration.');
  if (action !== 'CUSTOM' && spec.provider) findings.error('spec.provider', 'A provider is only for CUSTOM. Remove it or change the action.');
  if ((action === 'DENY' || action === 'CUSTOM') && !spec.rules?.length) findings.error('spec.rules', `${action} without rules has no effect. Give a rule; an empty one matches everything.`);
  spec.rules?.forEach((rule, index) => {
    checkRule(rule, `spec.rules[${index}]`, action === 'DENY', findings);
  });
  return findings.issues;
}

function checkRule(rule: PolicyRule, path: string, deny: boolean, findings: Findings): void {
  if (rule.from && rule.from.length === 0) findings.error(`${path}.from`, 'The list is empty. Remove it to match every source.');
  if (rule.to && rule.to.length === 0) findings.error(`${path}.to`, 'The list is empty. Remove it to match every operation.');
  rule.from?.forEach(({ source }, index) => checkSource(source, `${path}.from[${index}].source`, findings));
  rule.to?.forEach(({ operation }, index) => checkOperation(operation, `${path}.to[${index}].operation`, deny, findings));
  rule.when?.forEach((condition, index) => checkCondition(condition, `${path}.when[${index}]`, findings));
}

/** No field may hold an empty list or an empty value: it would match nothing, silently. */
function checkLists(lists: Readonly<Record<string, readonly string[] | undefined>>, path: string, findings: Findings): void {
  for (const [field, values] of Object.entries(lists)) {
    if (values?.length === 0) findings.error(`${path}.${field}`, 'The list is empty and would match nothing. Remove it or give values.');
    values?.forEach((value, index) => {
      if (value === '') findings.error(`${path}.${field}[${index}]`, 'The value is empty.');
      else if (value.slice(1, -1).includes('*') && !value.includes('{*')) findings.error(`${path}.${field}[${index}]`, `${JSON.stringify(value)} has a * in the middle. It may only be the first or the last character.`);
    });
  }
}

function checkSource(source: Source | undefined, path: string, findings: Findings): void {
  if (!source || Object.values(source).every((values) => values === undefined)) return findings.error(path, 'The source is empty. Give a field or remove `from`.');
  checkLists(source, path, findings);
  if ((source.serviceAccounts ?? source.notServiceAccounts) && (source.namespaces ?? source.notNamespaces ?? source.principals ?? source.notPrincipals)) findings.error(path, 'serviceAccounts can not be combined with namespaces or principals.');
  for (const field of ['ipBlocks', 'notIpBlocks', 'remoteIpBlocks', 'notRemoteIpBlocks'] as const) {
    source[field]?.forEach((block, index) => {
      if (!isAddressOrBlock(block)) findings.error(`${path}.${field}[${index}]`, `${JSON.stringify(block)} is not an address or block.`);
    });
  }
}

function checkOperation(operation: Operation | undefined, path: string, deny: boolean, findings: Findings): void {
  if (!operation || Object.values(operation).every((values) => values === undefined)) return findings.error(path, 'The operation is empty. Give a field or remove `to`.');
  checkLists(operation, path, findings);
  for (const field of ['ports', 'notPorts'] as const) operation[field]?.forEach((port, index) => checkPortText(port, `${path}.${field}[${index}]`, findings));
  for (const field of ['paths', 'notPaths'] as const) {
    operation[field]?.forEach((template, index) => {
      if (/\{(?!\*\*?\})/.test(template) || (template.match(/\{\*\*\}/g) ?? []).length > 1) findings.error(`${path}.${field}[${index}]`, `${JSON.stringify(template)} is not a path template. Use {*} for one segment and {**} once for the rest.`);
    });
  }
  if (deny && !operation.ports && HTTP_OPERATIONS.some((field) => operation[field])) findings.warning(path, 'On TCP ports these conditions are left out, so the rule denies more than it says. Add ports.');
}

function checkPortText(port: string, path: string, findings: Findings): void {
  if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65535) findings.error(path, `${JSON.stringify(port)} is not a port. Use 1 to 65535.`);
}

function checkCondition(condition: PolicyCondition, path: string, findings: Findings): void {
  const { key, values, notValues } = condition;
  if (FILTER_METADATA.test(key) && !READ_METADATA.test(key)) findings.notEnforced(`${path}.key`, `${key} is not enforced by this version: its proxies do not have this filter. Use another attribute.`);
  else if (!FILTER_METADATA.test(key) && !CONDITION_KEYS.has(key) && !CONDITION_FORMS.some((form) => form.test(key))) findings.error(`${path}.key`, `${JSON.stringify(key)} is not a known attribute.`);
  if (!values?.length && !notValues?.length) findings.error(path, 'The condition has no values. Give values or notValues.');
  for (const value of [...(values ?? []), ...(notValues ?? [])]) {
    if (key === 'destination.port') checkPortText(value, path, findings);
    if (['source.ip', 'remote.ip', 'destination.ip'].includes(key) && !isAddressOrBlock(value)) findings.error(path, `${JSON.stringify(value)} is not an address or block.`);
  }
}
