// Parameters of a Gateway's workload: the YAML texts of the ConfigMap that `spec.infrastructure.parametersRef` names. Whoever may write a ConfigMap and a
// Gateway need not be allowed to make pods, and the control plane is: so only what is listed here may be said, and nothing that gives a pod rights.
import { createHash } from 'node:crypto';
import { parse } from 'yaml';
import type { ConfigMapVerdict } from '../../mesh/gateway-api/index.ts';

/** A part of an object to be merged over. */
export type ParametersPatch = Readonly<Record<string, unknown>>;

/** What is merged over each object, by the key of the ConfigMap. */
export type WorkloadParameters = Readonly<Partial<Record<(typeof PARTS)[number], ParametersPatch>>>;

const PARTS = ['serviceAccount', 'service', 'deployment'] as const;

/** Characters of one text that are read: one process serves everybody's. */
const TEXT_LIMIT = 16_384;

/** What may be said: a map lists its fields, an array holds the shape of its items, a function says what is wrong with a value, true allows anything. */
type Shape = true | ((value: unknown) => string | undefined) | readonly [Shape] | { readonly [field: string]: Shape };

const oneOf = (...allowed: readonly string[]) => (value: unknown): string | undefined => (allowed.includes(value as string) ? undefined : `must be one of ${allowed.join(', ')}`);
const texts = (value: unknown): string | undefined => (isMap(value) && Object.values(value).every((text) => typeof text === 'string') ? undefined : 'must be a map of texts');
/** Annotations of pods by which injection or the node would give the proxy something else than the mesh's template does. */
const podAnnotations = (value: unknown): string | undefined => {
  const steering = isMap(value) ? Object.keys(value).find(isSteering) : undefined;
  return texts(value) ?? (steering === undefined ? undefined : `holds ${steering}, which is not for parameters to say`);
};

const METADATA: Shape = { labels: texts, annotations: texts };
const SCHEDULING: Shape = { nodeSelector: texts, tolerations: true, affinity: true, topologySpreadConstraints: true, terminationGracePeriodSeconds: true };
const SHAPES: Readonly<Record<(typeof PARTS)[number], Shape>> = {
  serviceAccount: { metadata: METADATA },
  service: {
    metadata: METADATA,
    spec: {
      type: oneOf('LoadBalancer', 'NodePort', 'ClusterIP'), ports: [{ name: true, port: true, targetPort: true, nodePort: true, protocol: true, appProtocol: true }],
      externalTrafficPolicy: true, internalTrafficPolicy: true, loadBalancerIP: true, loadBalancerClass: true, loadBalancerSourceRanges: true, allocateLoadBalancerNodePorts: true,
      healthCheckNodePort: true, ipFamilies: true, ipFamilyPolicy: true, sessionAffinity: true, sessionAffinityConfig: true, trafficDistribution: true,
    },
  },
  deployment: {
    metadata: METADATA,
    spec: {
      replicas: true, strategy: true, minReadySeconds: true, progressDeadlineSeconds: true, revisionHistoryLimit: true,
      template: { metadata: { labels: texts, annotations: podAnnotations }, spec: { ...SCHEDULING, containers: [{ name: oneOf('istio-proxy'), resources: { limits: true, requests: true } }] } },
    },
  },
};

const STEERING_DOMAINS = [
  'istio.io', 'maistra.io', 'k8s.v1.cni.cncf.io', 'v1.multus-cni.io', 'container.apparmor.security.beta.kubernetes.io', 'security.alpha.kubernetes.io',
];

/** Whether an annotation of a pod steers injection, the proxy or how the node runs it. */
export function isSteering(annotation: string): boolean {
  const [domain = ''] = annotation.split('/');
  return STEERING_DOMAINS.some((own) => domain === own || domain.endsWith(`.${own}`)) || annotation.startsWith('io.kubernetes.cri-o.');
}

/** What a ConfigMap's texts hold of parameters, or what is wrong with them; nothing where it has none. */
export function readParameters(data: Readonly<Record<string, string>> = {}): Pick<ConfigMapVerdict, 'parametersFault' | 'parametersDigest'> & { readonly parameters?: WorkloadParameters } {
  const parameters: Partial<Record<(typeof PARTS)[number], ParametersPatch>> = {};
  for (const part of PARTS) {
    const text = data[part];
    if (text === undefined) continue;
    const read = readText(text);
    const wrong = typeof read === 'string' ? read : faultOf(read, SHAPES[part], '');
    if (wrong !== undefined) return { parametersFault: `${part} ${wrong}.` };
    parameters[part] = read as ParametersPatch;
  }
  if (Object.keys(parameters).length === 0) return {};
  return { parameters, parametersDigest: createHash('sha256').update(JSON.stringify(parameters)).digest('hex') };
}

/** The map in a text, or what is wrong with it. */
function readText(text: string): ParametersPatch | string {
  if (text.length > TEXT_LIMIT) return `is ${text.length} characters long; at most ${TEXT_LIMIT} are read`;
  try {
    const value: unknown = parse(text, { maxAliasCount: 0, uniqueKeys: false }) ?? {};
    return isMap(value) ? value : 'must be a YAML map';
  } catch (error) {
    return `is not YAML: ${(error as Error).message.split('\n', 1)[0] ?? ''}`;
  }
}

/** The first thing in `value` that its shape does not allow, with the path to it. */
function faultOf(value: unknown, shape: Shape, path: string): string | undefined {
  if (shape === true) return undefined;
  if (typeof shape === 'function') {
    const wrong = shape(value);
    return wrong === undefined ? undefined : `${path} ${wrong}`;
  }
  if (isList(shape)) {
    if (!Array.isArray(value)) return `${path} must be a list`;
    return firstOf(value.map((item, index) => () => itemFault(item, shape[0], `${path}[${index}]`)));
  }
  if (!isMap(value)) return `${path} must be a map`;
  return firstOf(Object.entries(value).map(([field, inner]) => () => {
    const own = Object.hasOwn(shape, field) ? shape[field] : undefined;
    const at = path === '' ? field : `${path}.${field}`;
    return own === undefined ? `${at} is not for parameters to say` : faultOf(inner, own, at);
  }));
}

/** Items without a name would be merged into whichever comes first. */
function itemFault(item: unknown, shape: Shape, path: string): string | undefined {
  const fault = faultOf(item, shape, path);
  if (fault !== undefined) return fault;
  const key = isMap(shape) && 'port' in shape ? 'port' : 'name';
  return isMap(item) && item[key] !== undefined ? undefined : `${path} must have a ${key}`;
}

function firstOf(questions: readonly (() => string | undefined)[]): string | undefined {
  for (const ask of questions) {
    const answer = ask();
    if (answer !== undefined) return answer;
  }
  return undefined;
}

function isList(shape: Shape): shape is readonly [Shape] {
  return Array.isArray(shape);
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
