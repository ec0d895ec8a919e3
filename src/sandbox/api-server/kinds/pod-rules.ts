// Defaults and validation of pods and of pod templates.
import { duplicateField, forbiddenField, invalidField, requiredField, unsupportedField, type FieldError } from '../../schema/index.ts';
import type { KubeObject } from '../../store/index.ts';
import { checkLabelName } from '../names.ts';
import { ENV_FIELDS, validateFieldRef, VOLUME_FIELDS } from './field-references.ts';
import { amountOf } from '../../schema/index.ts';
import type { KindRules } from './kind-rules.ts';

/* eslint-disable @typescript-eslint/no-explicit-any -- pods are schemaless data here */
type Spec = Record<string, any>;

/** Fills in a pod spec's dependent defaults. */
export function defaultPodSpec(spec: Spec): void {
  if (spec['serviceAccount'] !== undefined && spec['serviceAccountName'] === undefined) spec['serviceAccountName'] = spec['serviceAccount'];
  if (spec['serviceAccountName'] !== undefined) spec['serviceAccount'] = spec['serviceAccountName'];
  for (const volume of spec['volumes'] ?? []) {
    const sources = Object.keys(volume).filter((key) => key !== 'name');
    if (sources.length === 0) volume.emptyDir = {};
  }
  for (const container of [...(spec['initContainers'] ?? []), ...(spec['containers'] ?? [])]) defaultContainer(container);
}

/** When an image is pulled if nobody says so: one without a version may have changed. */
export function pullPolicyOf(image: string): string {
  return /:[^/]+$/.test(image) && !image.endsWith(':latest') ? 'IfNotPresent' : 'Always';
}

function defaultContainer(container: Spec): void {
  container['imagePullPolicy'] ??= pullPolicyOf(String(container['image'] ?? ''));
  const limits = container['resources']?.limits;
  if (!limits) return;
  const requests = container['resources'].requests ?? {};
  for (const [name, value] of Object.entries(limits)) requests[name] ??= value;
  container['resources'].requests = requests;
}

/** What is wrong with a pod spec at `path`. */
export function validatePodSpec(spec: Spec | undefined, path: string): FieldError[] {
  if (!spec) return [requiredField(path)];
  const errors: FieldError[] = [];
  const containers: Spec[] = spec['containers'] ?? [];
  const initContainers: Spec[] = spec['initContainers'] ?? [];
  if (containers.length === 0) errors.push(requiredField(`${path}.containers`));
  if (!['Always', 'OnFailure', 'Never'].includes(spec['restartPolicy'])) errors.push(unsupportedField(`${path}.restartPolicy`, spec['restartPolicy'], ['Always', 'OnFailure', 'Never']));
  const volumes = new Set<string>();
  for (const [index, volume] of (spec['volumes'] ?? []).entries()) errors.push(...validateVolume(volume, `${path}.volumes[${String(index)}]`, volumes));
  const names = new Set<string>();
  for (const [index, container] of initContainers.entries()) errors.push(...validateContainer(container, `${path}.initContainers[${String(index)}]`, volumes, names), ...validateInitContainer(container, `${path}.initContainers[${String(index)}]`));
  for (const [index, container] of containers.entries()) errors.push(...validateContainer(container, `${path}.containers[${String(index)}]`, volumes, names));
  if (spec['dnsPolicy'] !== undefined && !DNS_POLICIES.includes(spec['dnsPolicy'])) errors.push(unsupportedField(`${path}.dnsPolicy`, spec['dnsPolicy'], DNS_POLICIES));
  const hostProblem = spec['hostname'] ? checkLabelName(spec['hostname']) : undefined;
  if (hostProblem !== undefined) errors.push(invalidField(`${path}.hostname`, spec['hostname'], hostProblem));
  for (const [index, toleration] of ((spec['tolerations'] ?? []) as Spec[]).entries()) errors.push(...validateToleration(toleration, `${path}.tolerations[${String(index)}]`));
  return errors;
}

const DNS_POLICIES = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'];

function validateToleration({ key, operator }: Spec, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (!key && operator !== 'Exists') errors.push(invalidField(`${path}.operator`, operator, 'operator must be Exists when `key` is empty, which means "match all values and all keys"'));
  if (operator && !['Equal', 'Exists'].includes(operator)) errors.push(unsupportedField(`${path}.operator`, operator, ['Equal', 'Exists']));
  return errors;
}

/** A request above its limit. */
function validateResources(resources: Spec | undefined, path: string): FieldError[] {
  const { limits = {}, requests = {} } = resources ?? {};
  return Object.keys(requests).filter((name) => limits[name] !== undefined && amountOf(requests[name]) > amountOf(limits[name]))
    .map((name) => invalidField(`${path}.requests`, String(requests[name]), `must be less than or equal to ${name} limit of ${String(limits[name])}`));
}

function validateVolume(volume: Spec, path: string, names: Set<string>): FieldError[] {
  const { name } = volume;
  const errors: FieldError[] = [];
  if (!name) errors.push(requiredField(`${path}.name`));
  else {
    const problem = checkLabelName(name);
    if (problem !== undefined) errors.push(invalidField(`${path}.name`, name, problem));
    if (names.has(name)) errors.push(duplicateField(`${path}.name`, name));
    names.add(name);
  }
  const [, second] = Object.keys(volume).filter((key) => key !== 'name');
  for (const [place, item] of downwardItems(volume)) if (item['fieldRef']) errors.push(...validateFieldRef(item['fieldRef'], `${path}.${place}.fieldRef`, VOLUME_FIELDS));
  if (second !== undefined) errors.push(forbiddenField(`${path}.${second}`, 'may not specify more than 1 volume type'));
  return errors;
}

/** Files of a volume that show the pod's own fields, with their places. */
function downwardItems(volume: Spec): [string, Spec][] {
  const listed = (place: string, items: readonly Spec[] = []): [string, Spec][] => items.map((item, index) => [`${place}.items[${String(index)}]`, item]);
  const sources = (volume['projected']?.sources ?? []) as Spec[];
  return [...listed('downwardAPI', volume['downwardAPI']?.items), ...sources.flatMap((source, index) => listed(`projected.sources[${String(index)}].downwardAPI`, source['downwardAPI']?.items))];
}

function validateInitContainer(container: Spec, path: string): FieldError[] {
  if (container['restartPolicy'] === 'Always') return [];
  return ['livenessProbe', 'readinessProbe', 'startupProbe', 'lifecycle'].filter((field) => container[field] !== undefined).map((field) => forbiddenField(`${path}.${field}`, 'may not be set for init containers without restartPolicy=Always'));
}

function validatePortNames(ports: readonly Spec[], path: string): FieldError[] {
  const names = ports.map((port) => port['name']);
  return names.flatMap((name, index) => (name && names.indexOf(name) < index ? [duplicateField(`${path}.ports[${String(index)}].name`, name)] : []));
}

function validateMounts(mounts: readonly Spec[], path: string, volumes: ReadonlySet<string>): FieldError[] {
  const errors: FieldError[] = [];
  const paths = new Set<string>();
  for (const [index, mount] of mounts.entries()) {
    if (!volumes.has(mount.name)) errors.push({ reason: 'FieldValueNotFound', path: `${path}.volumeMounts[${String(index)}].name`, message: `Not found: ${JSON.stringify(mount.name)}` });
    if (!mount.mountPath) errors.push(requiredField(`${path}.volumeMounts[${String(index)}].mountPath`));
    if (paths.has(mount.mountPath)) errors.push(invalidField(`${path}.volumeMounts[${String(index)}].mountPath`, mount.mountPath, 'must be unique'));
    paths.add(mount.mountPath);
  }
  return errors;
}

function validateContainer(container: Spec, path: string, volumes: ReadonlySet<string>, names: Set<string>): FieldError[] {
  const { name } = container;
  const errors: FieldError[] = [];
  if (!name) errors.push(requiredField(`${path}.name`));
  else {
    const problem = checkLabelName(name);
    if (problem !== undefined) errors.push(invalidField(`${path}.name`, name, problem));
    if (names.has(name)) errors.push(duplicateField(`${path}.name`, name));
    names.add(name);
  }
  if (container['imagePullPolicy'] !== undefined && !['Always', 'IfNotPresent', 'Never'].includes(container['imagePullPolicy'])) errors.push(unsupportedField(`${path}.imagePullPolicy`, container['imagePullPolicy'], ['Always', 'IfNotPresent', 'Never']));
  errors.push(...validateResources(container['resources'], `${path}.resources`));
  errors.push(...validatePortNames(container['ports'] ?? [], path));
  if (!container['image']) errors.push(requiredField(`${path}.image`));
  for (const [index, port] of (container['ports'] ?? []).entries()) errors.push(...validateContainerPort(port, `${path}.ports[${String(index)}]`));
  for (const [index, variable] of (container['env'] ?? []).entries()) {
    if (!variable.name) errors.push(requiredField(`${path}.env[${String(index)}].name`));
    if (variable.value && variable.valueFrom) errors.push(invalidField(`${path}.env[${String(index)}].valueFrom`, '', 'may not be specified when `value` is not empty'));
    if (variable.valueFrom?.fieldRef) errors.push(...validateFieldRef(variable.valueFrom.fieldRef, `${path}.env[${String(index)}].valueFrom.fieldRef`, ENV_FIELDS));
  }
  errors.push(...validateMounts(container['volumeMounts'] ?? [], path, volumes));
  for (const probe of ['livenessProbe', 'readinessProbe', 'startupProbe']) if (container[probe]) errors.push(...validateProbe(container[probe], `${path}.${probe}`));
  return errors;
}

function validateContainerPort(port: Spec, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (port['containerPort'] === 0) errors.push(requiredField(`${path}.containerPort`));
  else if (!inPortRange(port['containerPort'])) errors.push(invalidField(`${path}.containerPort`, port['containerPort'], 'must be between 1 and 65535, inclusive'));
  if (!['TCP', 'UDP', 'SCTP'].includes(port['protocol'])) errors.push(unsupportedField(`${path}.protocol`, port['protocol'], ['SCTP', 'TCP', 'UDP']));
  if (port['name'] && !/^(?=.*[a-z])[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?$/.test(port['name'])) errors.push(invalidField(`${path}.name`, port['name'], String(port['name']).length > 15 ? 'must be no more than 15 characters' : "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)"));
  return errors;
}

function validateProbe(probe: Spec, path: string): FieldError[] {
  const handlers = ['exec', 'httpGet', 'tcpSocket', 'grpc'].filter((handler) => probe[handler] !== undefined);
  if (handlers.length === 0) return [requiredField(path, 'must specify a handler type')];
  const numbers = ['initialDelaySeconds', 'timeoutSeconds', 'periodSeconds', 'successThreshold', 'failureThreshold'].filter((field) => probe[field] < 0).map((field) => invalidField(`${path}.${field}`, probe[field], 'must be greater than or equal to 0'));
  if (!path.endsWith('readinessProbe') && (probe['successThreshold'] ?? 1) !== 1) numbers.push(invalidField(`${path}.successThreshold`, probe['successThreshold'], 'must be 1'));
  if (numbers.length > 0) return numbers;
  return handlers.slice(1).map((handler) => forbiddenField(`${path}.${handler}`, 'may not specify more than 1 handler type'));
}

/** Whether `port` is a port number. */
export function inPortRange(port: unknown): boolean {
  return typeof port === 'number' && Number.isInteger(port) && port > 0 && port < 65536;
}

const MUTABLE_SPEC = new Set(['activeDeadlineSeconds', 'tolerations', 'nodeName', 'ephemeralContainers', 'schedulingGates', 'nodeSelector', 'affinity']);

function validatePodUpdate(object: KubeObject, old: KubeObject): FieldError[] {
  const strip = (spec: Spec): string => JSON.stringify(Object.entries(spec).filter(([key]) => !MUTABLE_SPEC.has(key)).map(([key, value]) => [key, key === 'containers' || key === 'initContainers' ? value.map((container: Spec) => ({ ...container, image: '' })) : value]).sort());
  return strip(object.spec) === strip(old.spec) ? [] : [forbiddenField('spec', 'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)')];
}

/** Quality of service, as the API server computes it once. */
export function qosClass(spec: Spec): string {
  const containers: Spec[] = [...(spec['initContainers'] ?? []), ...(spec['containers'] ?? [])];
  const set = (container: Spec, part: string): Spec => container['resources']?.[part] ?? {};
  if (containers.every((container) => Object.keys(set(container, 'limits')).length === 0 && Object.keys(set(container, 'requests')).length === 0)) return 'BestEffort';
  const guaranteed = containers.every((container) => ['cpu', 'memory'].every((name) => set(container, 'limits')[name] !== undefined && String(set(container, 'limits')[name]) === String(set(container, 'requests')[name])));
  return guaranteed ? 'Guaranteed' : 'Burstable';
}

/** Rules of pods. */
export const POD_RULES: KindRules = {
  generation: true,
  applyDefaults: (object) => {
    if (!object.spec) return;
    object.spec.enableServiceLinks ??= true;
    defaultPodSpec(object.spec);
  },
  prepare: (object, old) => {
    // Less than no time is the least time there is.
    if (object.spec?.terminationGracePeriodSeconds < 0) object.spec.terminationGracePeriodSeconds = 1;
    if (!old && object.spec) object.status = { phase: 'Pending', qosClass: qosClass(object.spec) };
  },
  validate: (object, old) => (old ? validatePodUpdate(object, old) : validatePodSpec(object.spec, 'spec')),
};
