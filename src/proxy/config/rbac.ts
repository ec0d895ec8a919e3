// Role-based access control policies (envoy.config.rbac.v3.RBAC). What is not understood is listed and kept as undecidable, which weakens no policy:
// a denial by it matches, a permission does not. Refusing the resource would keep later policies out of force.
import { RBAC_Action, type Permission, type Principal, type RBAC } from '../../shared/xds/generated/envoy/config/rbac/v3/rbac.ts';
import type { FilterStateMatcher } from '../../shared/xds/generated/envoy/type/matcher/v3/filter_state.ts';
import type { MetadataMatcher } from '../../shared/xds/generated/envoy/type/matcher/v3/metadata.ts';
import type { PathMatcher } from '../../shared/xds/generated/envoy/type/matcher/v3/path.ts';
import type { PermissionConfig, PrincipalConfig, RbacRulesConfig } from './filter-config.ts';
import { isSet, type Findings } from './findings.ts';
import type { MetadataMatchConfig } from './match-config.ts';
import { headerMatch, stringMatch } from './matchers.ts';
import { metadataMatch } from './metadata-matchers.ts';
import type { StringMatchConfig } from './runtime-config.ts';
import { cidr } from './values.ts';

const NOTHING: StringMatchConfig = { kind: 'exact', value: '', ignoreCase: false };

/** The policies in the order of their names. */
export function rbacRules(message: RBAC, path: string, findings: Findings): RbacRulesConfig {
  findings.ignoreFields(message, path, ['auditLoggingOptions']);
  const names = Object.keys(message.policies ?? {}).sort();
  return {
    action: message.action === RBAC_Action.DENY ? 'deny' : message.action === RBAC_Action.LOG ? 'log' : 'allow',
    policies: names.map((name) => {
      const policy = message.policies?.[name] ?? {};
      const at = `${path}.policies[${JSON.stringify(name)}]`;
      const conditional = isSet(policy.condition) || isSet(policy.checkedCondition);
      if (conditional) undecided(`${at}.condition`, findings);
      const permissions = (policy.permissions ?? []).map((permission, index) => permissionOf(permission, `${at}.permissions[${index}]`, findings));
      return {
        name,
        permissions: conditional ? permissions.map((permission) => ({ kind: 'and' as const, rules: [permission, { kind: 'undecidable' as const }] })) : permissions,
        principals: (policy.principals ?? []).map((principal, index) => principalOf(principal, `${at}.principals[${index}]`, findings)),
      };
    }),
  };
}

function undecided(path: string, findings: Findings): { readonly kind: 'undecidable' } {
  findings.ignore(path, 'This proxy cannot decide this rule: a DENY policy matches as if it held, an ALLOW policy as if it did not. Use principals, namespaces, addresses or properties of the request.');
  return { kind: 'undecidable' };
}

function permissionOf(message: Permission, path: string, findings: Findings): PermissionConfig {
  const rule = message.rule;
  switch (rule?.$case) {
    case 'any': return { kind: 'any' };
    case 'andRules': return { kind: 'and', rules: (rule.andRules.rules ?? []).map((inner, index) => permissionOf(inner, `${path}.and_rules.rules[${index}]`, findings)) };
    case 'orRules': return { kind: 'or', rules: (rule.orRules.rules ?? []).map((inner, index) => permissionOf(inner, `${path}.or_rules.rules[${index}]`, findings)) };
    case 'notRule': return { kind: 'not', rule: permissionOf(rule.notRule, `${path}.not_rule`, findings) };
    case 'header': return { kind: 'header', header: headerMatch(rule.header, `${path}.header`, findings) };
    case 'urlPath': return { kind: 'url_path', match: pathOf(rule.urlPath, `${path}.url_path`, findings) };
    case 'destinationIp': return { kind: 'destination_ip', range: cidr(rule.destinationIp, `${path}.destination_ip`, findings) };
    case 'destinationPort': return { kind: 'destination_port', port: rule.destinationPort };
    case 'destinationPortRange': return { kind: 'destination_port_range', start: rule.destinationPortRange.start ?? 0, end: rule.destinationPortRange.end ?? 0 };
    case 'requestedServerName': return { kind: 'requested_server_name', match: stringMatch(rule.requestedServerName, `${path}.requested_server_name`, findings) };
    case 'metadata': return metadataOf(rule.metadata, `${path}.metadata`, findings);
    default:
      return undecided(path, findings);
  }
}

function principalOf(message: Principal, path: string, findings: Findings): PrincipalConfig {
  const id = message.identifier;
  switch (id?.$case) {
    case 'any': return { kind: 'any' };
    case 'andIds': return { kind: 'and', ids: (id.andIds.ids ?? []).map((inner, index) => principalOf(inner, `${path}.and_ids.ids[${index}]`, findings)) };
    case 'orIds': return { kind: 'or', ids: (id.orIds.ids ?? []).map((inner, index) => principalOf(inner, `${path}.or_ids.ids[${index}]`, findings)) };
    case 'notId': return { kind: 'not', id: principalOf(id.notId, `${path}.not_id`, findings) };
    case 'authenticated': {
      const name = id.authenticated.principalName;
      return { kind: 'authenticated', match: name ? stringMatch(name, `${path}.authenticated.principal_name`, findings) : null };
    }
    case 'filterState': return filterStateOf(id.filterState, `${path}.filter_state`, findings);
    case 'directRemoteIp': return { kind: 'direct_remote_ip', range: cidr(id.directRemoteIp, `${path}.direct_remote_ip`, findings) };
    case 'remoteIp': return { kind: 'remote_ip', range: cidr(id.remoteIp, `${path}.remote_ip`, findings) };
    case 'sourceIp': return { kind: 'source_ip', range: cidr(id.sourceIp, `${path}.source_ip`, findings) };
    case 'header': return { kind: 'header', header: headerMatch(id.header, `${path}.header`, findings) };
    case 'urlPath': return { kind: 'url_path', match: pathOf(id.urlPath, `${path}.url_path`, findings) };
    case 'metadata': return metadataOf(id.metadata, `${path}.metadata`, findings);
    default:
      return undecided(path, findings);
  }
}

/** A test that is incomplete cannot be decided. */
function metadataOf(message: MetadataMatcher, path: string, findings: Findings): { readonly kind: 'metadata'; readonly match: MetadataMatchConfig } | { readonly kind: 'undecidable' } {
  if (!message.filter || !message.path?.length || !message.value?.matchPattern) return undecided(path, findings);
  return { kind: 'metadata', match: metadataMatch(message, path, findings) };
}

function filterStateOf(message: FilterStateMatcher, path: string, findings: Findings): PrincipalConfig {
  const form = message.matcher;
  if (!form) findings.refuse(path, 'A string match is needed.');
  return { kind: 'filter_state', key: message.key ?? '', match: form ? stringMatch(form.stringMatch, `${path}.string_match`, findings) : NOTHING };
}

function pathOf(message: PathMatcher, path: string, findings: Findings): StringMatchConfig {
  return stringMatch(message.rule?.path, `${path}.path`, findings);
}
