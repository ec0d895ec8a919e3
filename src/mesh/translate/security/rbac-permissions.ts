// What: the operations and the destination conditions of AuthorizationPolicy rules as Envoy permissions.
import type { Operation, PolicyCondition } from '../../../shared/api/security/authorization-policy.ts';
import type { Permission } from '../../../shared/xds/generated/envoy/config/rbac/v3/rbac.ts';
import type { ValueMatcher } from '../../../shared/xds/generated/envoy/type/matcher/v3/value.ts';
import type { Matched, RuleContext } from './rbac-principals.ts';
import { allPermissions, anyPermission, cidrRange, headerMatcher, notPermission, quoteRegex, valueMatcher } from './rbac-values.ts';

interface Attribute {
  readonly read: (value: string) => Permission;
  readonly httpOnly?: boolean;
}

const port: Attribute = { read: (value) => ({ rule: { $case: 'destinationPort', destinationPort: Number(value) } }) };
const method: Attribute = { read: (value) => ({ rule: { $case: 'header', header: headerMatcher(':method', value) } }), httpOnly: true };
const path: Attribute = { read: pathPermission, httpOnly: true };
const host: Attribute = { read: (value) => ({ rule: { $case: 'header', header: headerMatcher(':authority', value, true) } }), httpOnly: true };

/** Paths are matched without their query; `{*}` is one segment, `{**}` any number of them. */
function pathPermission(value: string): Permission {
  const template = value.includes('{*}') || value.includes('{**}');
  const matcher = template ? { matchPattern: { $case: 'safeRegex' as const, safeRegex: { regex: templateRegex(value) } } } : valueMatcher(value);
  return { rule: { $case: 'urlPath', urlPath: { rule: { $case: 'path', path: matcher } } } };
}

function templateRegex(template: string): string {
  return template.split(/(\{\*\*\}|\{\*\})/).map((part) => (part === '{**}' ? '.*' : part === '{*}' ? '[^/]+' : quoteRegex(part))).join('');
}

const OPERATION_FIELDS = [
  ['hosts', 'notHosts', host],
  ['ports', 'notPorts', port],
  ['methods', 'notMethods', method],
  ['paths', 'notPaths', path],
] as const satisfies readonly (readonly [keyof Operation, keyof Operation, Attribute])[];

/** The permission of an operation: all its fields. On TCP an attribute of requests is `drop`ped (wider) or makes the rule unsupported. */
export function operationPermission(operation: Operation, context: RuleContext, drop: boolean): Matched<Permission> {
  const parts: Permission[] = [];
  for (const [field, negative, attribute] of OPERATION_FIELDS) {
    const part = attributePermissions(attribute, operation[field], operation[negative], context);
    if (part === 'unsupported') {
      if (drop) continue;
      return part;
    }
    parts.push(...part);
  }
  return allPermissions(parts);
}

function attributePermissions(attribute: Attribute, values: readonly string[] = [], notValues: readonly string[] = [], context: RuleContext): Matched<Permission[]> {
  if (values.length + notValues.length > 0 && attribute.httpOnly && context.tcp) return 'unsupported';
  const parts: Permission[] = [];
  if (values.length > 0) parts.push(anyPermission(values.map(attribute.read)));
  if (notValues.length > 0) parts.push(notPermission(anyPermission(notValues.map(attribute.read))));
  return parts;
}

const CONDITION_ATTRIBUTES: Readonly<Record<string, Attribute>> = {
  'destination.port': port,
  'destination.ip': { read: (value) => ({ rule: { $case: 'destinationIp', destinationIp: cidrRange(value) } }) },
  'connection.sni': { read: (value) => ({ rule: { $case: 'requestedServerName', requestedServerName: valueMatcher(value) } }) },
};

/** `experimental.envoy.filters.<filter>[<key>]`: what another filter found out. A value in brackets is looked for in a list. */
function filterMetadata(key: string): Attribute | undefined {
  const match = /^experimental\.(envoy\.filters\.[^[]+)\[([^\]]+)\]$/.exec(key);
  if (!match) return undefined;
  const [, filter = '', name = ''] = match;
  return {
    read: (value) => {
      const element = /^\[(.*)\]$/.exec(value)?.[1];
      const text: ValueMatcher = { matchPattern: { $case: 'stringMatch', stringMatch: valueMatcher(element ?? value) } };
      const matcher: ValueMatcher = element === undefined ? text : { matchPattern: { $case: 'listMatch', listMatch: { matchPattern: { $case: 'oneOf', oneOf: text } } } };
      return { rule: { $case: 'metadata', metadata: { filter, path: [{ segment: { $case: 'key', key: name } }], value: matcher } } };
    },
    httpOnly: true,
  };
}

/** The permission of a condition about the destination; undefined when the condition is not about it. */
export function conditionPermission(condition: PolicyCondition, context: RuleContext): Matched<Permission> | undefined {
  const attribute = CONDITION_ATTRIBUTES[condition.key] ?? filterMetadata(condition.key);
  if (!attribute) return undefined;
  const parts = attributePermissions(attribute, condition.values, condition.notValues, context);
  return parts === 'unsupported' ? parts : allPermissions(parts);
}
