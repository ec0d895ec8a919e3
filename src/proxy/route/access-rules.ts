// Compiles role-based access control (envoy.config.rbac.v3) into one decision. Used by the HTTP and the network filter; knows both only as `AccessFacts`.
import type { PermissionConfig, PrincipalConfig, RbacRulesConfig } from '../config/filter-config.ts';
import type { ConnectionInfo, HeaderReader, StreamInfo } from '../stream/stream-info.ts';
import { compileStringMatcher, type StringMatcher } from '../stream/string-matcher.ts';
import { compileHeaderMatch, pathOnly } from './header-matcher.ts';
import { compileMetadataMatch } from './metadata-matcher.ts';

/** What a decision is made from. */
export interface AccessFacts {
  readonly connection: ConnectionInfo;
  /** Null for TCP. */
  readonly headers: (HeaderReader & { readonly path: string }) | null;
  /** The client's address by x-forwarded-for, or the connection's. */
  readonly remoteIp: string;
  readonly filterState: ReadonlyMap<string, string>;
  /** What filters before found out: claims of a token, an authorizer's answer. */
  readonly dynamicMetadata: StreamInfo['dynamicMetadata'];
}

/** Tests an address against a range; given from outside, as this folder knows no sockets. */
export type RangeCompiler = (range: string) => { contains(address: string): boolean };

/** The outcome, with the policy that decided it. */
export interface AccessDecision { readonly allowed: boolean; readonly policy: string }

/** What is left in metadata of the outcome of shadow rules. */
export function shadowOutcome(prefix: string, { allowed, policy }: AccessDecision): Readonly<Record<string, string>> {
  return { [`${prefix}shadow_engine_result`]: allowed ? 'allowed' : 'denied', ...(policy === '' ? {} : { [`${prefix}shadow_effective_policy_id`]: policy }) };
}

type Test = (facts: AccessFacts) => boolean;

/** How many policies of `config` have a rule of a kind that this proxy does not know. */
export function undecidablePolicies(config: RbacRulesConfig): number {
  return config.policies.filter(({ permissions, principals }) => permissions.some(isUndecidable) || principals.some(isUndecidable)).length;
}

function isUndecidable(rule: PermissionConfig | PrincipalConfig): boolean {
  switch (rule.kind) {
    case 'undecidable': return true;
    case 'and':
    case 'or': return ('rules' in rule ? rule.rules : rule.ids).some(isUndecidable);
    case 'not': return isUndecidable('rule' in rule ? rule.rule : rule.id);
    default: return false;
  }
}

/**
 * Compiles rules to a decision. A rule that cannot be decided takes the value that lets fewer requests in, through `not` the other one: it makes a denial match and
 * keeps a permission from matching. Refusing the configuration instead would leave out whatever denials came with it.
 */
export function compileAccessRules(config: RbacRulesConfig, ranges: RangeCompiler): (facts: AccessFacts) => AccessDecision {
  const unknown = config.action === 'deny';
  const policies = [...config.policies].sort((left, right) => (left.name < right.name ? -1 : 1)).map((policy) => ({
    name: policy.name,
    permission: anyOf(policy.permissions.map((permission) => compilePermission(permission, ranges, unknown))),
    principal: anyOf(policy.principals.map((principal) => compilePrincipal(principal, ranges, unknown))),
  }));
  return (facts) => {
    const matched = policies.find(({ permission, principal }) => permission(facts) && principal(facts));
    const allowed = config.action === 'log' || (config.action === 'allow') === (matched !== undefined);
    return { allowed, policy: matched?.name ?? '' };
  };
}

function anyOf(tests: readonly Test[]): Test {
  return (facts) => tests.some((test) => test(facts));
}

function allOf(tests: readonly Test[]): Test {
  return (facts) => tests.every((test) => test(facts));
}

function onHeaders(test: (headers: NonNullable<AccessFacts['headers']>) => boolean): Test {
  return ({ headers }) => headers !== null && test(headers);
}

function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(':')).replace(/^\[|\]$/g, '');
}

function portOf(address: string): number {
  return Number(address.slice(address.lastIndexOf(':') + 1));
}

function compilePermission(config: PermissionConfig, ranges: RangeCompiler, unknown: boolean): Test {
  switch (config.kind) {
    case 'any': return () => true;
    case 'and': return allOf(config.rules.map((rule) => compilePermission(rule, ranges, unknown)));
    case 'or': return anyOf(config.rules.map((rule) => compilePermission(rule, ranges, unknown)));
    case 'not': {
      const test = compilePermission(config.rule, ranges, !unknown);
      return (facts) => !test(facts);
    }
    case 'header': return onHeaders(compileHeaderMatch(config.header));
    case 'url_path': {
      const matches = compileStringMatcher(config.match);
      return onHeaders((headers) => matches(pathOnly(headers.path)));
    }
    case 'destination_ip': {
      const range = ranges(config.range);
      return ({ connection }) => range.contains(hostOf(connection.localAddress));
    }
    case 'destination_port': return ({ connection }) => portOf(connection.localAddress) === config.port;
    case 'destination_port_range': return ({ connection }) => portOf(connection.localAddress) >= config.start && portOf(connection.localAddress) < config.end;
    case 'requested_server_name': {
      const matches = compileStringMatcher(config.match);
      return ({ connection }) => matches(connection.tls?.sni ?? '');
    }
    case 'metadata': {
      const matches = compileMetadataMatch(config.match);
      return ({ dynamicMetadata }) => matches(dynamicMetadata);
    }
    case 'undecidable': return () => unknown;
  }
}

function compilePrincipal(config: PrincipalConfig, ranges: RangeCompiler, unknown: boolean): Test {
  switch (config.kind) {
    case 'any': return () => true;
    case 'and': return allOf(config.ids.map((id) => compilePrincipal(id, ranges, unknown)));
    case 'or': return anyOf(config.ids.map((id) => compilePrincipal(id, ranges, unknown)));
    case 'not': {
      const test = compilePrincipal(config.id, ranges, !unknown);
      return (facts) => !test(facts);
    }
    case 'authenticated': return compileAuthenticated(config.match === null ? null : compileStringMatcher(config.match));
    case 'filter_state': {
      const matches = compileStringMatcher(config.match);
      return (facts) => matches(filterStateOf(facts, config.key));
    }
    case 'direct_remote_ip':
    case 'source_ip': {
      const range = ranges(config.range);
      return ({ connection }) => range.contains(hostOf(connection.remoteAddress));
    }
    case 'remote_ip': {
      const range = ranges(config.range);
      return ({ remoteIp }) => range.contains(remoteIp);
    }
    case 'header': return onHeaders(compileHeaderMatch(config.header));
    case 'url_path': {
      const matches = compileStringMatcher(config.match);
      return onHeaders((headers) => matches(pathOnly(headers.path)));
    }
    case 'metadata': {
      const matches = compileMetadataMatch(config.match);
      return ({ dynamicMetadata }) => matches(dynamicMetadata);
    }
    case 'undecidable': return () => unknown;
  }
}

function compileAuthenticated(matches: StringMatcher | null): Test {
  return ({ connection: { tls } }) => {
    if (!tls?.peerVerified) return false;
    if (matches === null) return true;
    const names = tls.peerUris.length > 0 ? tls.peerUris : tls.peerDnsNames.length > 0 ? tls.peerDnsNames : [tls.peerSubject];
    return names.some((name) => matches(name) || (name.startsWith('spiffe://') && matches(name.slice('spiffe://'.length))));
  };
}

// Istio reads the peer's principal from filter state, which its own filter fills from the certificate; ours comes straight from there.
function filterStateOf(facts: AccessFacts, key: string): string {
  const value = facts.filterState.get(key);
  if (value !== undefined) return value;
  const tls = facts.connection.tls;
  return key === 'io.istio.peer_principal' && tls?.peerVerified ? tls.peerUri : '';
}
