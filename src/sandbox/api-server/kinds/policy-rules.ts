// Defaults and validation of what bounds and connects workloads: autoscalers, disruption budgets, network policies, ingresses, endpoint slices.
import { duplicateField, invalidField, isIpv4, isIpv6, requiredField, unsupportedField, type FieldError } from '../../schema/index.ts';
import type { KubeObject } from '../../store/index.ts';
import { DEFAULT_METRIC } from '../autoscaler-conversion.ts';
import { validateEndpointAddress } from './address-rules.ts';
import type { KindRules } from './kind-rules.ts';
import { validateSelector } from './selector-rules.ts';

/* eslint-disable @typescript-eslint/no-explicit-any -- these kinds are schemaless data here */
type Fields = Record<string, any>;

/** Rules of HorizontalPodAutoscalers. */
export const AUTOSCALER_RULES: KindRules = {
  applyDefaults: ({ apiVersion, spec }) => {
    if (apiVersion !== 'autoscaling/v1' && spec && (spec.metrics ?? []).length === 0) spec.metrics = [structuredClone(DEFAULT_METRIC)];
  },
  validate: ({ spec }) => {
    const { minReplicas = 1, maxReplicas = 0, scaleTargetRef: target = {} } = spec as Fields;
    const errors: FieldError[] = [];
    if (minReplicas < 1) errors.push(invalidField('spec.minReplicas', minReplicas, 'must be greater than or equal to 1'));
    if (maxReplicas < 1) errors.push(invalidField('spec.maxReplicas', maxReplicas, 'must be greater than 0'));
    if (maxReplicas < minReplicas) errors.push(invalidField('spec.maxReplicas', maxReplicas, 'must be greater than or equal to `minReplicas`'));
    if (!target.apiVersion) errors.push(invalidField('spec.scaleTargetRef.apiVersion', '', 'apiVersion must specify API group'));
    for (const field of ['kind', 'name']) if (!target[field]) errors.push(requiredField(`spec.scaleTargetRef.${field}`));
    return errors;
  },
};

function validateAmount(value: unknown, path: string): FieldError[] {
  if (typeof value === 'number') return value < 0 ? [invalidField(path, value, 'must be greater than or equal to 0')] : [];
  if (typeof value !== 'string') return [];
  if (!/^\d+%$/.test(value)) return [invalidField(path, value, "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')")];
  return Number.parseInt(value, 10) > 100 ? [invalidField(path, value, 'must not be greater than 100%')] : [];
}

/** Rules of PodDisruptionBudgets. */
export const BUDGET_RULES: KindRules = {
  generation: true,
  validate: ({ spec }) => {
    const { minAvailable, maxUnavailable, selector, unhealthyPodEvictionPolicy: policy } = spec as Fields;
    const errors: FieldError[] = [];
    if (minAvailable !== undefined && maxUnavailable !== undefined) errors.push(invalidField('spec', { MinAvailable: minAvailable, Selector: selector ?? null, MaxUnavailable: maxUnavailable, UnhealthyPodEvictionPolicy: policy ?? null }, 'minAvailable and maxUnavailable cannot be both set'));
    errors.push(...validateAmount(minAvailable, 'spec.minAvailable'), ...validateAmount(maxUnavailable, 'spec.maxUnavailable'), ...validateSelector(selector, 'spec.selector'));
    if (policy !== undefined && policy !== 'IfHealthyBudget' && policy !== 'AlwaysAllow') errors.push(unsupportedField('spec.unhealthyPodEvictionPolicy', policy, ['AlwaysAllow', 'IfHealthyBudget']));
    return errors;
  },
};

function validatePolicyRule(rule: Fields, path: string, peers: 'from' | 'to'): FieldError[] {
  const ports = ((rule['ports'] ?? []) as Fields[]).flatMap((port, index) => validatePolicyPort(port, `${path}.ports[${String(index)}]`));
  return [...ports, ...((rule[peers] ?? []) as Fields[]).flatMap((peer, index) => validatePeer(peer, `${path}.${peers}[${String(index)}]`))];
}

function validatePolicyPort({ protocol, port, endPort }: Fields, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (!['TCP', 'UDP', 'SCTP'].includes(protocol)) errors.push(unsupportedField(`${path}.protocol`, protocol, ['SCTP', 'TCP', 'UDP']));
  if (typeof port === 'number' && (port < 1 || port > 65_535)) errors.push(invalidField(`${path}.port`, port, 'must be between 1 and 65535, inclusive'));
  if (endPort === undefined) return errors;
  if (port === undefined) errors.push(requiredField(`${path}.endPort`, 'must specify port when endPort is used'));
  else if (typeof port === 'number' && endPort < port) errors.push(invalidField(`${path}.endPort`, endPort, 'must be greater than or equal to `port`'));
  return errors;
}

function validatePeer({ podSelector, namespaceSelector, ipBlock }: Fields, path: string): FieldError[] {
  const errors = [...validateSelector(podSelector, `${path}.podSelector`), ...validateSelector(namespaceSelector, `${path}.namespaceSelector`)];
  if (!podSelector && !namespaceSelector && !ipBlock) return [requiredField(path, 'must specify a peer')];
  if (ipBlock && (podSelector || namespaceSelector)) return [...errors, { reason: 'FieldValueForbidden', path, message: 'Forbidden: may not specify both ipBlock and another peer' }];
  if (ipBlock && !isNetwork(ipBlock.cidr)) errors.push(invalidField(`${path}.ipBlock.cidr`, ipBlock.cidr, 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'));
  return errors;
}

function isNetwork(text: unknown): boolean {
  const [address = '', bits = ''] = String(text).split('/', 2);
  return /^\d{1,3}$/.test(bits) && ((isIpv4(address) && Number(bits) <= 32) || (isIpv6(address) && Number(bits) <= 128));
}

/** Rules of NetworkPolicies. */
export const NETWORK_POLICY_RULES: KindRules = {
  generation: true,
  applyDefaults: (object) => { if (object.spec) object.spec.policyTypes ??= object.spec.egress ? ['Ingress', 'Egress'] : ['Ingress']; },
  validate: ({ spec }) => [
    ...validateSelector(spec.podSelector, 'spec.podSelector'),
    ...((spec.ingress ?? []) as Fields[]).flatMap((rule, index) => validatePolicyRule(rule, `spec.ingress[${String(index)}]`, 'from')),
    ...((spec.egress ?? []) as Fields[]).flatMap((rule, index) => validatePolicyRule(rule, `spec.egress[${String(index)}]`, 'to')),
    ...(spec.policyTypes as string[]).flatMap((type, index) => (type === 'Ingress' || type === 'Egress' ? [] : [unsupportedField(`spec.policyTypes[${String(index)}]`, type, ['Ingress', 'Egress'])])),
  ],
};

function validatePath({ path = '', pathType, backend }: Fields, at: string): FieldError[] {
  const errors: FieldError[] = [];
  if (pathType === undefined) errors.push(requiredField(`${at}.pathType`, 'pathType must be specified'));
  else if (!['Exact', 'ImplementationSpecific', 'Prefix'].includes(pathType)) errors.push(unsupportedField(`${at}.pathType`, pathType, ['Exact', 'ImplementationSpecific', 'Prefix']));
  else if (pathType !== 'ImplementationSpecific' && !path.startsWith('/')) errors.push(invalidField(`${at}.path`, path, 'must be an absolute path'));
  return [...errors, ...validateBackend(backend, `${at}.backend`)];
}

function validateBackend(backend: Fields | undefined, path: string): FieldError[] {
  if (!backend?.['service'] && !backend?.['resource']) return [requiredField(path)];
  if (backend['service'] && backend['resource']) return [invalidField(path, '', 'cannot set both resource and service backends')];
  return backend['service'] ? validateBackendService(backend['service'], path) : [];
}

function validateBackendService({ name, port }: Fields, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (!name) errors.push(requiredField(`${path}.service.name`));
  if (port?.name && port?.number) errors.push(invalidField(path, '', 'cannot set both port name & port number'));
  else if (!port?.name && !port?.number) errors.push(requiredField(path, 'port name or number is required'));
  else if (port?.number !== undefined && (port.number < 1 || port.number > 65_535)) errors.push(invalidField(`${path}.service.port.number`, port.number, 'must be between 1 and 65535, inclusive'));
  return errors;
}

/** Rules of Ingresses. */
export const INGRESS_RULES: KindRules = {
  generation: true,
  validate: ({ spec }) => {
    const rules = (spec.rules ?? []) as Fields[];
    const errors = spec.defaultBackend ? validateBackend(spec.defaultBackend, 'spec.defaultBackend') : [];
    if (rules.length === 0 && !spec.defaultBackend) errors.push(invalidField('spec', spec, 'either `defaultBackend` or `rules` must be specified'));
    return [...errors, ...rules.flatMap((rule, index) => ((rule['http']?.paths ?? []) as Fields[]).flatMap((path, at) => validatePath(path, `spec.rules[${String(index)}].http.paths[${String(at)}]`)))];
  },
};

const FAMILIES = ['FQDN', 'IPv4', 'IPv6'];

function validateEndpoint(endpoint: Fields, type: string, path: string): FieldError[] {
  const addresses = (endpoint['addresses'] ?? []) as string[];
  if (addresses.length === 0) return [requiredField(`${path}.addresses`, 'must contain at least 1 address')];
  if (addresses.length > 100) return [{ reason: 'FieldValueTooMany', path: `${path}.addresses`, message: `Too many: ${String(addresses.length)}: must have at most 100 items` }];
  return addresses.flatMap((address, index) => (type === 'FQDN' ? [] : validateEndpointAddress(address, `${path}.addresses[${String(index)}]`)));
}

/** Rules of EndpointSlices. */
export const ENDPOINT_SLICE_RULES: KindRules = {
  generation: true,
  validate: (object: KubeObject, old: KubeObject | undefined) => {
    const { addressType: type = '', endpoints, ports } = object as Fields;
    if (old && type !== old['addressType']) return [invalidField('addressType', type, 'field is immutable')];
    if (type === '') return [requiredField('addressType')];
    if (!FAMILIES.includes(type)) return [unsupportedField('addressType', type, FAMILIES)];
    const names = ((ports ?? []) as Fields[]).map((port) => port['name']);
    return [
      ...((endpoints ?? []) as Fields[]).flatMap((endpoint, index) => validateEndpoint(endpoint, type, `endpoints[${String(index)}]`)),
      ...names.flatMap((name, index) => (names.indexOf(name) < index ? [duplicateField(`ports[${String(index)}].name`, name)] : [])),
    ];
  },
};
