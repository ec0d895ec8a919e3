// Binding of YAML for tests: objects of any kind in, the binding out.
import { parseAllDocuments } from 'yaml';
import { gatewayApiKinds } from '../../../shared/api/gateway-api/kinds.ts';
import type { KubernetesNamespace, KubernetesService } from '../../model/inputs.ts';
import {
  bindGatewayApi, type GatewayApiBinding, type GatewayApiResources, type GatewayClassStatus, type GatewayStatus, type ListenerSetStatus, type PolicyStatus, type RouteStatus,
} from '../index.ts';

interface AnyObject {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly generation?: number };
}

const LISTS = {
  GatewayClass: 'classes', Gateway: 'gateways', ListenerSet: 'listenerSets', HTTPRoute: 'httpRoutes', GRPCRoute: 'grpcRoutes', TLSRoute: 'tlsRoutes', TCPRoute: 'tcpRoutes', ReferenceGrant: 'referenceGrants',
  BackendTLSPolicy: 'backendTlsPolicies', Service: 'services', Namespace: 'namespaces',
} as const;

/** The class that tests use. */
export const CLASS_YAML = 'apiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\nmetadata: {name: istio, generation: 1}\nspec: {controllerName: istio.io/gateway-controller}\n';

/** Objects of a stream of YAML documents. */
export function objectsOf(yaml: string): AnyObject[] {
  return parseAllDocuments(yaml).map((document) => document.toJS() as AnyObject | null).filter((object) => object !== null);
}

/** Resources from objects; what the API server would default is defaulted. Every Gateway has a ready workload unless `over` says otherwise. */
export function resourcesOf(objects: readonly AnyObject[], over: Partial<GatewayApiResources> = {}): GatewayApiResources {
  const lists: Record<string, unknown[]> = Object.fromEntries(Object.values(LISTS).map((name) => [name, []]));
  for (const object of objects) {
    const list = LISTS[object.kind as keyof typeof LISTS];
    if (!list) continue;
    const namespaced = object.kind === 'GatewayClass' || object.kind === 'Namespace' ? {} : { namespace: 'default' };
    const complete = { ...object, metadata: { ...namespaced, generation: 1, ...object.metadata } };
    const kind = gatewayApiKinds.find(({ type }) => type.kind === object.kind);
    lists[list]?.push(kind ? kind.schema.parse(complete) : complete);
  }
  const resources = lists as unknown as Pick<GatewayApiResources, (typeof LISTS)[keyof typeof LISTS]> & { services: KubernetesService[]; namespaces: KubernetesNamespace[] };
  const workloads = new Map(resources.gateways.map(({ metadata }) => [`${metadata.namespace ?? ''}/${metadata.name}`, { addresses: [{ type: 'IPAddress', value: '192.0.2.1' }], ready: true }]));
  return { ...resources, secrets: new Map(), configMaps: new Map(), workloads, domain: 'cluster.local', ...over };
}

/** The binding of a stream of YAML documents. */
export function bindYaml(yaml: string, over: Partial<GatewayApiResources> = {}): GatewayApiBinding {
  return bindGatewayApi(resourcesOf(objectsOf(`${CLASS_YAML}---\n${yaml}`), over));
}

interface Statuses {
  readonly GatewayClass: GatewayClassStatus;
  readonly Gateway: GatewayStatus;
  readonly ListenerSet: ListenerSetStatus;
  readonly HTTPRoute: RouteStatus;
  readonly GRPCRoute: RouteStatus;
  readonly TLSRoute: RouteStatus;
  readonly TCPRoute: RouteStatus;
  readonly BackendTLSPolicy: PolicyStatus;
}

/** The status of one object. */
export function statusOf<K extends keyof Statuses>(binding: GatewayApiBinding, kind: K, name: string, namespace = 'default'): Statuses[K] {
  const found = binding.statuses.find((status) => status.kind === kind && status.name === name && (status.namespace === namespace || kind === 'GatewayClass'));
  if (!found) throw new Error(`no status of ${kind} ${namespace}/${name}`);
  return found.status as Statuses[K];
}

/** Conditions as `type=status/reason`, in order. */
export function shortConditions(conditions: readonly { readonly type: string; readonly status: string; readonly reason: string }[]): string[] {
  return conditions.map(({ type, status, reason }) => `${type}=${status}/${reason}`);
}
