// Probe rewriting: the kubelet asks the proxy's agent, which asks the application as the original probe would have.
// So probes work with strict mTLS and with any interception mode. The JSON is the one Istio's agent reads (ISTIO_KUBE_APP_PROBERS).
import { PROXY_CONTAINER, isPlainObject, type Container, type PlainObject } from './pod.ts';

/** Containers whose probes go to the agent, and the originals by agent path. */
export interface RewrittenProbes {
  readonly containers: readonly Container[];
  readonly probers: PlainObject;
}

const PROBES = { livenessProbe: 'livez', readinessProbe: 'readyz', startupProbe: 'startupz' } as const;
const HOOKS = { preStop: 'prestopz', postStart: 'poststartz' } as const;

/** Rewrites the probes and HTTP hooks of `containers`; `exec` and the proxy's own stay as they are. */
export function rewriteProbes(containers: readonly Container[], statusPort: number): RewrittenProbes {
  const probers: Record<string, unknown> = {};
  return { containers: containers.map((container) => (container.name === PROXY_CONTAINER ? container : rewriteContainer(container, statusPort, probers))), probers };
}

function rewriteContainer(container: Container, statusPort: number, probers: Record<string, unknown>): Container {
  const changed: Record<string, unknown> = { ...container };
  for (const [field, suffix] of Object.entries(PROBES)) {
    const path = `/app-health/${container.name}/${suffix}`;
    const rewritten = rewriteProbe(container, container[field], path, statusPort, probers);
    if (rewritten) changed[field] = rewritten;
  }
  const { lifecycle } = container;
  if (isPlainObject(lifecycle)) changed['lifecycle'] = rewriteLifecycle(container, lifecycle, statusPort, probers);
  return changed as Container;
}

function rewriteProbe(container: Container, probe: unknown, path: string, statusPort: number, probers: Record<string, unknown>): PlainObject | undefined {
  if (!isPlainObject(probe)) return undefined;
  const action = resolveAction(container, probe, statusPort);
  if (!action) return undefined;
  probers[path] = { ...action, timeoutSeconds: typeof probe['timeoutSeconds'] === 'number' ? probe['timeoutSeconds'] : 1 };
  const { httpGet: _http, tcpSocket: _tcp, grpc: _grpc, ...timing } = probe;
  return { ...timing, httpGet: { path, port: statusPort } };
}

function rewriteLifecycle(container: Container, lifecycle: PlainObject, statusPort: number, probers: Record<string, unknown>): PlainObject {
  const changed: Record<string, unknown> = { ...lifecycle };
  for (const [field, suffix] of Object.entries(HOOKS)) {
    const hook = lifecycle[field];
    if (!isPlainObject(hook) || !isPlainObject(hook['httpGet'])) continue;
    const action = resolveAction(container, { httpGet: hook['httpGet'] }, statusPort);
    if (!action) continue;
    const path = `/app-lifecycle/${container.name}/${suffix}`;
    probers[path] = action;
    changed[field] = { httpGet: { path, port: statusPort } };
  }
  return changed;
}

/** The probe's action with its port as a number; undefined when it must stay as it is. */
function resolveAction(container: Container, probe: PlainObject, statusPort: number): PlainObject | undefined {
  for (const kind of ['httpGet', 'tcpSocket', 'grpc'] as const) {
    const action = probe[kind];
    if (!isPlainObject(action)) continue;
    const port = resolvePort(container, action['port']);
    if (port === undefined || port === statusPort) return undefined;
    return { [kind]: { ...action, port } };
  }
  return undefined;
}

function resolvePort(container: Container, port: unknown): number | undefined {
  if (typeof port === 'number') return port;
  if (typeof port !== 'string') return undefined;
  if (/^\d+$/.test(port)) return Number(port);
  return container.ports?.find((candidate) => candidate.name === port)?.containerPort;
}
