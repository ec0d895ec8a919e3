// The mesh of the interop tests: services whose pods are addresses of 127/8, each with a proxy or without, behind them one application that
// says what reached it. In the form that snapshots are built from.
import type { SnapshotInput } from '../../src/mesh/index.ts';

/** Addresses of this ring. */
export const NETWORK = '127.93';

/** A pod of the mesh. */
export interface MeshPod {
  readonly name: string;
  readonly namespace: string;
  readonly ip: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly serviceAccount: string;
  /** Whether its proxy can do mesh TLS. */
  readonly meshed: boolean;
}

const created = { creationTimestamp: '2026-01-01T00:00:00Z' };

/** A pod's description; its labels name app and version, so that services select it. */
export function meshPod(app: string, version: string, last: number, options: { readonly namespace?: string; readonly meshed?: boolean; readonly labels?: Readonly<Record<string, string>> } = {}): MeshPod {
  const { namespace = 'shop', meshed = true, labels = {} } = options;
  return { name: `${app}-${version}-1`, namespace, ip: `${NETWORK}.1.${last}`, labels: { app, version, ...labels, ...(meshed ? { 'security.istio.io/tlsMode': 'istio' } : {}) }, serviceAccount: app, meshed };
}

/** A service over all pods of `app`, with its endpoint slice. */
export interface MeshService {
  readonly app: string;
  readonly namespace: string;
  readonly last: number;
  readonly ports: readonly { readonly name: string; readonly port: number; readonly targetPort?: number; readonly appProtocol?: string }[];
  readonly headless?: boolean;
  readonly selector?: Readonly<Record<string, string>>;
}

/** Services, pods and slices in the form of a snapshot's input. */
export function registryOf(services: readonly MeshService[], pods: readonly MeshPod[]): Pick<SnapshotInput, 'services' | 'pods' | 'endpointSlices' | 'namespaces'> {
  const selected = ({ app, namespace, selector = { app } }: MeshService): readonly MeshPod[] => pods.filter((pod) => pod.namespace === namespace && Object.entries(selector).every(([key, value]) => pod.labels[key] === value));
  return {
    services: services.map(({ app, namespace, last, ports, headless, selector = { app } }) => ({
      metadata: { name: app, namespace, ...created }, spec: { clusterIP: headless ? 'None' : `${NETWORK}.128.${last}`, selector, ports: ports.map(({ name, port, targetPort = port, appProtocol }) => ({ name, port, targetPort, ...(appProtocol ? { appProtocol } : {}) })) },
    })),
    pods: pods.map(({ name, namespace, ip, labels, serviceAccount }) => ({ metadata: { name, namespace, labels, ...created }, spec: { serviceAccountName: serviceAccount }, status: { phase: 'Running', podIP: ip } })),
    endpointSlices: services.map((service) => ({
      metadata: { name: `${service.app}-1`, namespace: service.namespace, labels: { 'kubernetes.io/service-name': service.app } }, addressType: 'IPv4',
      ports: service.ports.map(({ name, port, targetPort = port }) => ({ name, port: targetPort })),
      endpoints: selected(service).map(({ ip, name, namespace }) => ({ addresses: [ip], conditions: { ready: true }, targetRef: { kind: 'Pod', namespace, name } })),
    })),
    namespaces: [...new Set(['istio-system', ...services.map(({ namespace }) => namespace)])].map((name) => ({ metadata: { name } })),
  };
}
