// The EndpointSlice and Endpoints controller: the addresses behind each Service that has a selector.
import { deepEqual } from '../../shared/lib/index.ts';
import type { StoredObject } from '../api-server/internal-client.ts';
import { controllerReference, ownKey, startController, type ControllerContext } from './controller.ts';
import { isReady, isTerminal, shortHash } from './pod-state.ts';
import { ENDPOINT_SLICES, ENDPOINTS, PODS, SERVICES } from './resources.ts';

const SERVICE_NAME = 'kubernetes.io/service-name';
const MANAGED_BY = 'endpointslice.kubernetes.io/managed-by';
const MANAGER = 'endpointslice-controller.k8s.io';

interface SlicePort {
  readonly name: string;
  readonly port: number;
  readonly protocol: string;
  readonly appProtocol?: string;
}

interface SliceContent {
  readonly ports: SlicePort[];
  readonly endpoints: StoredObject['spec'][];
}

/** Starts the controller; returns the way to stop it. */
export function startEndpointSliceController(context: ControllerContext): () => void {
  const services = context.client.table(SERVICES);
  return startController(context, {
    name: 'endpointslice-controller',
    sources: [
      { resource: SERVICES, keys: ownKey },
      { resource: PODS, keys: (pod) => services.list(pod.metadata.namespace).filter((service) => selects(service, pod)).flatMap(ownKey) },
      { resource: ENDPOINT_SLICES, keys: (slice) => (slice.metadata.labels?.[MANAGED_BY] === MANAGER ? [`${slice.metadata.namespace ?? ''}/${slice.metadata.labels[SERVICE_NAME] ?? ''}`] : []) },
    ],
    reconcile: async (namespace, name) => {
      const service = services.get(namespace, name);
      if (!service || service.metadata.deletionTimestamp || !hasSelector(service) || service.spec?.type === 'ExternalName') return;
      const pods = context.client.table(PODS).list(namespace).filter((pod) => selects(service, pod));
      const contents = sliceContents(service, pods);
      await writeSlices(context, service, contents);
      await writeEndpoints(context, service, contents);
    },
  });
}

function hasSelector(service: StoredObject): boolean {
  return Object.keys(service.spec?.selector ?? {}).length > 0;
}

function selects(service: StoredObject, pod: StoredObject): boolean {
  return hasSelector(service) && Object.entries(service.spec.selector).every(([key, value]) => pod.metadata.labels?.[key] === value);
}

/** What the slices of a service hold: one for each set of port numbers, for a named port may differ from pod to pod. */
export function sliceContents(service: StoredObject, pods: readonly StoredObject[]): SliceContent[] {
  const groups = new Map<string, SliceContent>();
  for (const pod of [...pods].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))) {
    if (!pod.status?.podIP || isTerminal(pod)) continue;
    const ports = slicePorts(service, pod);
    const key = JSON.stringify(ports);
    const group = groups.get(key) ?? { ports, endpoints: [] };
    group.endpoints.push(endpoint(service, pod));
    groups.set(key, group);
  }
  if (groups.size === 0) groups.set('', { ports: [], endpoints: [] });
  return [...groups.values()];
}

function slicePorts(service: StoredObject, pod: StoredObject): SlicePort[] {
  const ports: SlicePort[] = [];
  for (const port of service.spec.ports ?? []) {
    const number = targetPort(port, pod);
    if (number === undefined) continue;
    ports.push({ name: port.name ?? '', port: number, protocol: port.protocol ?? 'TCP', ...(port.appProtocol ? { appProtocol: port.appProtocol } : {}) });
  }
  return ports;
}

function targetPort(port: StoredObject['spec'], pod: StoredObject): number | undefined {
  const target = port.targetPort ?? port.port;
  if (typeof target === 'number') return target === 0 ? port.port : target;
  const sidecars = (pod.spec.initContainers ?? []).filter((container: StoredObject['spec']) => container.restartPolicy === 'Always');
  for (const container of [...(pod.spec.containers ?? []), ...sidecars]) {
    const found = (container.ports ?? []).find((candidate: StoredObject['spec']) => candidate.name === target && (candidate.protocol ?? 'TCP') === (port.protocol ?? 'TCP'));
    if (found) return found.containerPort;
  }
  return undefined;
}

function endpoint(service: StoredObject, pod: StoredObject): StoredObject['spec'] {
  const terminating = pod.metadata.deletionTimestamp !== undefined;
  const serving = isReady(pod);
  return {
    addresses: [pod.status.podIP],
    conditions: { ready: service.spec.publishNotReadyAddresses === true || (serving && !terminating), serving, terminating },
    nodeName: pod.spec.nodeName,
    targetRef: { kind: 'Pod', namespace: pod.metadata.namespace, name: pod.metadata.name, uid: pod.metadata.uid },
    ...(pod.spec.hostname && pod.spec.subdomain === service.metadata.name ? { hostname: pod.spec.hostname } : {}),
  };
}

async function writeSlices(context: ControllerContext, service: StoredObject, contents: readonly SliceContent[]): Promise<void> {
  const { namespace, name } = service.metadata;
  const present = context.client.table(ENDPOINT_SLICES).list(namespace).filter((slice) => slice.metadata.labels?.[SERVICE_NAME] === name && slice.metadata.labels[MANAGED_BY] === MANAGER);
  const wanted = new Map(contents.map((content, index) => [`${name}-${index === 0 ? shortHash(service.metadata.uid).slice(0, 5) : shortHash([service.metadata.uid, content.ports]).slice(0, 5)}`, content]));
  for (const slice of present) if (!wanted.has(slice.metadata.name)) await context.client.delete(ENDPOINT_SLICES, namespace, slice.metadata.name);
  const labels = { ...service.metadata.labels, [SERVICE_NAME]: name, [MANAGED_BY]: MANAGER, ...(service.spec.clusterIP === 'None' ? { 'service.kubernetes.io/headless': '' } : {}) };
  for (const [sliceName, content] of wanted) {
    const slice = present.find((candidate) => candidate.metadata.name === sliceName);
    if (!slice) {
      await context.client.create(ENDPOINT_SLICES, {
        apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', addressType: 'IPv4',
        metadata: { name: sliceName, namespace, labels, ownerReferences: [controllerReference(service)] },
        ports: content.ports, endpoints: content.endpoints,
      });
    } else if (!deepEqual({ ports: slice['ports'] ?? [], endpoints: slice['endpoints'] ?? [], labels: slice.metadata.labels }, { ...content, labels })) {
      await context.client.update(ENDPOINT_SLICES, { ...slice, metadata: { ...slice.metadata, labels }, ports: content.ports, endpoints: content.endpoints });
    }
  }
}

// The older Endpoints object, which scripts and some programs still read.
async function writeEndpoints(context: ControllerContext, service: StoredObject, contents: readonly SliceContent[]): Promise<void> {
  const { namespace, name } = service.metadata;
  const subsets = contents.filter((content) => content.endpoints.length > 0).map(({ ports, endpoints }) => {
    const addresses = (ready: boolean): object[] => endpoints.filter((entry) => entry.conditions.ready === ready).map((entry) => ({ ip: entry.addresses[0], nodeName: entry.nodeName, targetRef: entry.targetRef, ...(entry.hostname ? { hostname: entry.hostname } : {}) }));
    const [ready, notReady] = [addresses(true), addresses(false)];
    return { ...(ready.length ? { addresses: ready } : {}), ...(notReady.length ? { notReadyAddresses: notReady } : {}), ports: ports.map((port) => (port.name === '' ? { port: port.port, protocol: port.protocol } : port)) };
  });
  const present = context.client.table(ENDPOINTS).get(namespace, name);
  if (!present) {
    await context.client.create(ENDPOINTS, { apiVersion: 'v1', kind: 'Endpoints', metadata: { name, namespace, labels: service.metadata.labels ?? {}, ownerReferences: [controllerReference(service)] }, subsets });
  } else if (!deepEqual(present['subsets'] ?? [], subsets)) {
    await context.client.update(ENDPOINTS, { ...present, subsets });
  }
}
