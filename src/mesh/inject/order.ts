// Order of containers after the merge: kubelets start them in list order, so the order is the life cycle.
import { INIT_CONTAINER, PROXY_CONTAINER, VALIDATION_CONTAINER, type Container, type PodSpec } from './pod.ts';

/** How the proxy's container lives. */
export interface OrderOptions {
  readonly nativeSidecar: boolean;
  readonly holdApplicationUntilProxyStarts: boolean;
  /** The pod brought its own proxy container: it keeps its place. */
  readonly ownProxy: boolean;
}

/** `spec` with its containers in the order that injection promises. */
export function orderContainers(spec: PodSpec, options: OrderOptions): PodSpec {
  const containers = spec.containers ?? [];
  const inits = spec.initContainers ?? [];
  const proxy = containers.find((container) => container.name === PROXY_CONTAINER);
  if (options.nativeSidecar && proxy) {
    const native: Container = { ...proxy, restartPolicy: 'Always' };
    return withContainers(spec, containers.filter((container) => container !== proxy), [...named(inits, [VALIDATION_CONTAINER, INIT_CONTAINER]), native, ...others(inits)]);
  }
  // User inits run before istio-init so that they still have the plain network; validation goes first to fail early.
  const orderedInits = [...named(inits, [VALIDATION_CONTAINER]), ...others(inits), ...named(inits, [INIT_CONTAINER])];
  if (!proxy || options.ownProxy) return withContainers(spec, containers, orderedInits);
  const rest = containers.filter((container) => container !== proxy);
  return withContainers(spec, options.holdApplicationUntilProxyStarts ? [proxy, ...rest] : [...rest, proxy], orderedInits);
}

function withContainers(spec: PodSpec, containers: readonly Container[], initContainers: readonly Container[]): PodSpec {
  return initContainers.length > 0 ? { ...spec, containers, initContainers } : { ...spec, containers };
}

function named(containers: readonly Container[], names: readonly string[]): Container[] {
  return names.flatMap((name) => containers.filter((container) => container.name === name));
}

function others(containers: readonly Container[]): Container[] {
  return containers.filter((container) => container.name !== INIT_CONTAINER && container.name !== VALIDATION_CONTAINER);
}
