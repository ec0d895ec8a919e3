// Defaults and validation of Services; addresses and node ports come from the allocator.
import { duplicateField, forbiddenField, invalidField, requiredField, unsupportedField, type FieldError } from '../../schema/index.ts';
import type { KubeObject } from '../../store/index.ts';
import type { KindRules } from './kind-rules.ts';
import { validateLabels } from '../names.ts';
import { ADDRESS_RULE, isAddress } from './address-rules.ts';
import { inPortRange } from './pod-rules.ts';

/* eslint-disable @typescript-eslint/no-explicit-any -- services are schemaless data here */
type Port = Record<string, any>;

const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const SUBDOMAIN_RULE = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const TYPES = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'];

function applyDefaults(object: KubeObject): void {
  const spec = object.spec ?? {};
  object.spec = spec;
  for (const port of spec.ports ?? []) port.targetPort ??= port.port;
  if (spec.type !== 'ExternalName') spec.internalTrafficPolicy ??= 'Cluster';
  if (spec.sessionAffinity === 'ClientIP') spec.sessionAffinityConfig ??= { clientIP: { timeoutSeconds: 10_800 } };
  if (spec.type === 'NodePort' || spec.type === 'LoadBalancer') spec.externalTrafficPolicy ??= 'Cluster';
  if (spec.type !== 'LoadBalancer') return;
  spec.allocateLoadBalancerNodePorts ??= true;
  for (const ingress of object.status?.loadBalancer?.ingress ?? []) if (ingress.ip) ingress.ipMode ??= 'VIP';
}

/** Fills in on creation what the server decides; an update may leave out what it chose before. */
function prepare(object: KubeObject, old: KubeObject | undefined): void {
  const { spec } = object;
  if (!old) object.status = { loadBalancer: {} };
  else if (old.spec) prepareUpdate(spec, old.spec);
  if (needsClusterIp(spec)) {
    spec.ipFamilies ??= ['IPv4'];
    spec.ipFamilyPolicy ??= 'SingleStack';
  }
  if (spec.clusterIP && (spec.clusterIPs ?? []).length === 0) spec.clusterIPs = [spec.clusterIP];
}

const needsClusterIp = (spec: Port): boolean => spec['type'] !== 'ExternalName';
const needsNodePort = (spec: Port): boolean => spec['type'] === 'NodePort' || spec['type'] === 'LoadBalancer';
const isBalanced = (spec: Port): boolean => spec['type'] === 'LoadBalancer';

/** Whether nodes answer health checks of a load balancer for it. */
export function needsHealthPort(spec: Readonly<Record<string, unknown>>): boolean {
  return spec['type'] === 'LoadBalancer' && spec['externalTrafficPolicy'] === 'Local';
}

function prepareUpdate(spec: Port, old: Port): void {
  // Whoever changes the one address means the list as well.
  if (spec['clusterIP'] !== old['clusterIP'] && JSON.stringify(spec['clusterIPs']) === JSON.stringify(old['clusterIPs'])) delete spec['clusterIPs'];
  dropFormerType(spec, old);
  keepAllocated(spec, old);
}

/** What belonged to the type that it was goes with it, unless the update has changed it. */
function dropFormerType(spec: Port, old: Port): void {
  const drop = (needs: (candidate: Port) => boolean, fields: readonly string[]): void => {
    if (!needs(old) || needs(spec)) return;
    for (const field of fields) if (JSON.stringify(spec[field]) === JSON.stringify(old[field])) Reflect.deleteProperty(spec, field);
  };
  drop(needsClusterIp, ['clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy', 'internalTrafficPolicy']);
  drop(needsNodePort, ['externalTrafficPolicy']);
  drop(needsHealthPort, ['healthCheckNodePort']);
  drop(isBalanced, ['allocateLoadBalancerNodePorts', 'loadBalancerClass']);
  if (!needsNodePort(old) || needsNodePort(spec)) return;
  const before = new Set(((old['ports'] ?? []) as Port[]).map((port) => port['nodePort']));
  for (const port of (spec['ports'] ?? []) as Port[]) if (before.has(port['nodePort'])) delete port['nodePort'];
}

function keepAllocated(spec: Port, old: Port): void {
  if (needsClusterIp(spec) && needsClusterIp(old)) {
    if (!spec['clusterIP']) spec['clusterIP'] = old['clusterIP'];
    if ((spec['clusterIPs'] ?? []).length === 0 && spec['clusterIP'] === old['clusterIP']) spec['clusterIPs'] = old['clusterIPs'];
  }
  if (needsHealthPort(spec) && needsHealthPort(old)) spec['healthCheckNodePort'] ??= old['healthCheckNodePort'];
  if (!needsNodePort(spec) || !needsNodePort(old)) return;
  const known = new Map(((old['ports'] ?? []) as Port[]).map((port) => [`${String(port['port'])}/${String(port['protocol'])}`, port['nodePort']]));
  const used = new Set(((spec['ports'] ?? []) as Port[]).map((port) => port['nodePort']));
  for (const port of (spec['ports'] ?? []) as Port[]) {
    const before = known.get(`${String(port['port'])}/${String(port['protocol'])}`);
    if (port['nodePort'] === undefined && before !== undefined && !used.has(before)) port['nodePort'] = before;
  }
}

/** Fields with values of their own. */
function validateChoices(spec: Port): FieldError[] {
  const errors: FieldError[] = [];
  if (spec['type'] === 'ExternalName' && spec['externalName'] && !SUBDOMAIN.test(spec['externalName'])) errors.push(invalidField('spec.externalName', spec['externalName'], SUBDOMAIN_RULE));
  if (spec['sessionAffinity'] !== undefined && !['ClientIP', 'None'].includes(spec['sessionAffinity'])) errors.push(unsupportedField('spec.sessionAffinity', spec['sessionAffinity'], ['ClientIP', 'None']));
  for (const field of ['externalTrafficPolicy', 'internalTrafficPolicy']) if (spec[field] !== undefined && !['Cluster', 'Local'].includes(spec[field])) errors.push(unsupportedField(`spec.${field}`, spec[field], ['Cluster', 'Local']));
  for (const [index, family] of ((spec['ipFamilies'] ?? []) as string[]).entries()) if (family !== 'IPv4') errors.push(invalidField(`spec.ipFamilies[${String(index)}]`, family, 'not configured on this cluster'));
  errors.push(...validateLabels(spec['selector'], 'spec.selector'));
  return errors;
}

function validate(object: KubeObject, old: KubeObject | undefined): FieldError[] {
  const { spec } = object;
  const errors: FieldError[] = [];
  if (!TYPES.includes(spec.type)) errors.push(unsupportedField('spec.type', spec.type, TYPES));
  const ports: Port[] = spec.ports ?? [];
  if (ports.length === 0 && spec.type !== 'ExternalName' && spec.clusterIP !== 'None') errors.push(requiredField('spec.ports'));
  errors.push(...validateChoices(spec));
  if (spec.type === 'ExternalName' && !spec.externalName) errors.push(requiredField('spec.externalName'));
  const names = new Set<string>();
  for (const [index, port] of ports.entries()) errors.push(...validatePort(port, `spec.ports[${String(index)}]`, ports.length, names));
  errors.push(...validateTwice(ports), ...validateAddresses(spec));
  if (old?.spec.clusterIP && old.spec.type !== 'ExternalName' && spec.type !== 'ExternalName' && spec.clusterIP !== old.spec.clusterIP) errors.push(invalidField('spec.clusterIPs[0]', spec.clusterIPs ?? [spec.clusterIP], 'may not change once set'));
  if (spec.type === 'ClusterIP') for (const [index, port] of ports.entries()) if (port['nodePort']) errors.push(forbiddenField(`spec.ports[${String(index)}].nodePort`, "may not be used when `type` is 'ClusterIP'"));
  return errors;
}

/** One port may be there once for each protocol. */
function validateTwice(ports: readonly Port[]): FieldError[] {
  const seen = new Set<string>();
  return ports.flatMap((port, index) => {
    const key = `${String(port['port'])}/${String(port['protocol'])}`;
    if (!seen.has(key)) {
      seen.add(key);
      return [];
    }
    return [duplicateField(`spec.ports[${String(index)}]`, { Name: '', Protocol: port['protocol'], AppProtocol: null, Port: port['port'], TargetPort: 0, NodePort: 0 })];
  });
}

function validateAddresses(spec: Port): FieldError[] {
  const errors = ((spec['clusterIPs'] ?? []) as string[]).flatMap((address, index) => (address === 'None' || isAddress(address) ? [] : [invalidField(`spec.clusterIPs[${String(index)}]`, address, ADDRESS_RULE)]));
  for (const [index, address] of ((spec['externalIPs'] ?? []) as string[]).entries()) if (!isAddress(address)) errors.push(invalidField(`spec.externalIPs[${String(index)}]`, address, ADDRESS_RULE));
  const seconds: unknown = spec['sessionAffinityConfig']?.clientIP?.timeoutSeconds;
  if (typeof seconds === 'number' && (seconds <= 0 || seconds > 86_400)) errors.push(invalidField('spec.sessionAffinityConfig.clientIP.timeoutSeconds', seconds, 'must be greater than 0 and less than or equal to 86400'));
  return errors;
}

function validatePort(port: Port, path: string, count: number, names: Set<string>): FieldError[] {
  const errors: FieldError[] = [];
  const { name, targetPort } = port;
  if (count > 1 && !name) errors.push(requiredField(`${path}.name`));
  if (name && names.has(name)) errors.push(duplicateField(`${path}.name`, name));
  if (name) names.add(name);
  if (name && !/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name)) errors.push(invalidField(`${path}.name`, name, "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"));
  if (!inPortRange(port['port'])) errors.push(invalidField(`${path}.port`, port['port'], 'must be between 1 and 65535, inclusive'));
  if (typeof targetPort === 'number' && !inPortRange(targetPort)) errors.push(invalidField(`${path}.targetPort`, targetPort, 'must be between 1 and 65535, inclusive'));
  if (typeof targetPort === 'string' && !/^(?=.*[a-z])[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?$/.test(targetPort)) errors.push(invalidField(`${path}.targetPort`, targetPort, targetPort.length > 15 ? 'must be no more than 15 characters' : 'must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)'));
  if (!['TCP', 'UDP', 'SCTP'].includes(port['protocol'])) errors.push(unsupportedField(`${path}.protocol`, port['protocol'], ['SCTP', 'TCP', 'UDP']));
  return errors;
}

/** Rules of Services. */
export const SERVICE_RULES: KindRules = { applyDefaults, prepare, validate };
