// The environment variables of a container, from the values and sources that its spec lists.
import type { StoredObject } from '../api-server/internal-client.ts';

type Spec = StoredObject['spec'];

/** What the sources of environment variables are read from. */
export interface EnvironmentSources {
  readonly pod: StoredObject;
  readonly podIp: string;
  readonly hostIp: string;
  readonly configMap: (name: string) => StoredObject | undefined;
  readonly secret: (name: string) => StoredObject | undefined;
}

/** A source that is not there: the container waits for it with the reason CreateContainerConfigError. */
export class MissingSourceError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'MissingSourceError';
  }
}

/** The variables of a container, over those that every container has. */
export function containerEnvironment(container: Spec, sources: EnvironmentSources, base: Readonly<Record<string, string>>): Record<string, string> {
  const environment: Record<string, string> = { ...base };
  for (const from of container.envFrom ?? []) Object.assign(environment, fromWhole(from, sources));
  for (const entry of container.env ?? []) {
    const value = entry.valueFrom ? fromSource(entry.valueFrom, container, sources) : expand(entry.value ?? '', environment);
    if (value !== undefined) environment[entry.name] = value;
  }
  return environment;
}

/** `text` with each $(NAME) replaced by the variable, when there is one; $$ is a dollar. */
export function expand(text: string, environment: Readonly<Record<string, string>>): string {
  return text.replace(/\$(?:\$|\(([^()]*)\))/g, (whole, name: string | undefined) => (name === undefined ? '$' : environment[name] ?? whole));
}

function fromWhole(from: Spec, sources: EnvironmentSources): Record<string, string> {
  const reference = from.configMapRef ?? from.secretRef ?? {};
  const kind = from.configMapRef ? 'configmap' : 'secret';
  const object = from.configMapRef ? sources.configMap(reference.name) : sources.secret(reference.name);
  if (!object && !reference.optional) throw new MissingSourceError(`${kind} "${reference.name}" not found`);
  const data = Object.entries(object?.['data'] ?? {}).map(([key, value]) => [`${from.prefix ?? ''}${key}`, kind === 'secret' ? decode(value) : String(value)]);
  return Object.fromEntries(data);
}

function fromSource(from: Spec, container: Spec, sources: EnvironmentSources): string | undefined {
  if (from.fieldRef) return fieldValue(from.fieldRef.fieldPath, sources);
  if (from.resourceFieldRef) return resourceValue(from.resourceFieldRef, container, sources.pod);
  const reference = from.configMapKeyRef ?? from.secretKeyRef ?? {};
  const isSecret = from.secretKeyRef !== undefined;
  const object = isSecret ? sources.secret(reference.name) : sources.configMap(reference.name);
  const value = object?.['data']?.[reference.key];
  if (value === undefined) {
    if (reference.optional) return undefined;
    const kind = isSecret ? 'secret' : 'configmap';
    throw new MissingSourceError(object ? `couldn't find key ${reference.key} in ${kind} ${sources.pod.metadata.namespace}/${reference.name}` : `${kind} "${reference.name}" not found`);
  }
  return isSecret ? decode(value) : String(value);
}

function decode(value: unknown): string {
  return Buffer.from(String(value), 'base64').toString('utf8');
}

/** A field of the pod, as the downward API names it. */
export function fieldValue(path: string, sources: Pick<EnvironmentSources, 'pod' | 'podIp' | 'hostIp'>): string {
  const { pod } = sources;
  const bracket = /^metadata\.(labels|annotations)\['([^']*)'\]$/.exec(path);
  if (bracket) return pod.metadata[bracket[1] as 'labels' | 'annotations']?.[bracket[2] ?? ''] ?? '';
  switch (path) {
    case 'metadata.name': return pod.metadata.name;
    case 'metadata.namespace': return pod.metadata.namespace ?? '';
    case 'metadata.uid': return pod.metadata.uid;
    case 'metadata.labels': return labelFile(pod.metadata.labels);
    case 'metadata.annotations': return labelFile(pod.metadata.annotations);
    case 'spec.nodeName': return pod.spec.nodeName ?? '';
    case 'spec.serviceAccountName': return pod.spec.serviceAccountName ?? 'default';
    case 'status.podIP': case 'status.podIPs': return sources.podIp;
    case 'status.hostIP': case 'status.hostIPs': return sources.hostIp;
    default: throw new MissingSourceError(`unsupported fieldPath: ${path}`);
  }
}

function labelFile(labels: Record<string, string> | undefined): string {
  return Object.entries(labels ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => `${key}=${JSON.stringify(value)}`).join('\n');
}

/** A resource request or limit as the downward API writes it; an absent limit is what the node has. */
export function resourceValue(reference: Spec, container: Spec, pod: StoredObject): string {
  const [list, name = ''] = String(reference.resource).split('.');
  const owner = reference.containerName ? [...(pod.spec.containers ?? []), ...(pod.spec.initContainers ?? [])].find((candidate: Spec) => candidate.name === reference.containerName) : container;
  const capacity: Record<string, string> = { cpu: '2', memory: '4Gi', 'ephemeral-storage': '10Gi' };
  const given = owner?.resources?.[list === 'limits' ? 'limits' : 'requests']?.[name];
  const quantity = parseQuantity(given ?? (list === 'limits' ? capacity[name] : '0') ?? '0');
  const divisor = parseQuantity(String(reference.divisor ?? '1')) || 1;
  return String(Math.ceil(quantity / divisor));
}

const SUFFIXES: Record<string, number> = { m: 1e-3, k: 1e3, M: 1e6, G: 1e9, T: 1e12, Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40 };

/** The number that a Kubernetes quantity stands for. */
export function parseQuantity(quantity: string | number): number {
  const match = /^([0-9.]+(?:e[0-9]+)?)(m|k|M|G|T|Ki|Mi|Gi|Ti)?$/.exec(String(quantity));
  return match ? Number(match[1]) * (SUFFIXES[match[2] ?? ''] ?? 1) : 0;
}
