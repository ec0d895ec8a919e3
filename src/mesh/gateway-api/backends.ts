// Backends: which service a reference of a route means, or why it means none.
import { GATEWAY_API_GROUP, type BackendObjectReference } from '../../shared/api/gateway-api/shared.ts';
import type { HttpRouteRule } from '../../shared/api/gateway-api/http-route.ts';
import type { Destination } from '../../shared/api/networking/virtual-service.ts';
import type { KubernetesService } from '../model/inputs.ts';
import type { AnyRoute } from './attachments.ts';
import { externalDestination, serviceOfHost } from './backend-hosts.ts';
import type { BindingContext } from './binding-context.ts';
import type { Fault } from './conditions.ts';

/** Looks up the backends of one route as one kind of parent sees them. */
export interface Backends {
  /** The destination of a reference; undefined when it can not be used. */
  destination(reference: BackendObjectReference): Destination | undefined;
}

/** Who asks: gateways need grants across namespaces and obey TLS policies; in a mesh clients may call the backend there anyhow. */
export type BackendUser = 'gateway' | 'mesh';

/** The backends of `route`. */
export function backendsOf(context: BindingContext, route: AnyRoute, user: BackendUser): Backends {
  return {
    destination(reference) {
      const found = resolve(context, route, reference, user);
      if ('reason' in found) return undefined;
      const unusable = user === 'gateway' && context.unusableBackends.has(`${found.host}:${found.port?.number ?? 0}`);
      return unusable ? undefined : found;
    },
  };
}

/** The first reference of a route that does not resolve. */
export function backendFault(context: BindingContext, route: AnyRoute, user: BackendUser): Fault | undefined {
  for (const reference of referencesOf(route)) {
    const found = resolve(context, route, reference, user);
    if ('reason' in found) return found;
  }
  return undefined;
}

/** Every backend that a route names, those of mirrors too. */
export function referencesOf(route: AnyRoute): BackendObjectReference[] {
  if (route.kind === 'TLSRoute' || route.kind === 'TCPRoute') return (route.spec.rules ?? []).flatMap(({ backendRefs }) => backendRefs ?? []);
  const rules: readonly Pick<HttpRouteRule, 'backendRefs' | 'filters'>[] = route.spec.rules ?? [];
  return rules.flatMap(({ backendRefs, filters }) => [...(backendRefs ?? []), ...(filters ?? []).flatMap(({ requestMirror }) => (requestMirror ? [requestMirror.backendRef] : []))]);
}

/** A host of a Service is that Service, so that no grant is passed by. */
function resolveHostname(context: BindingContext, route: AnyRoute, { name, port }: BackendObjectReference, user: BackendUser): Destination | Fault {
  const own = route.metadata.namespace ?? '';
  const host = name.toLowerCase().replace(/\.$/, '');
  const service = serviceOfHost(context, host, own);
  if (service) return resolve(context, route, { ...service, ...(port === undefined ? {} : { port }) }, user);
  return port === undefined ? portMissing(name) : externalDestination(context, host, port, own);
}

function resolve(context: BindingContext, route: AnyRoute, reference: BackendObjectReference, user: BackendUser): Destination | Fault {
  const { group = '', kind = 'Service', name, port } = reference;
  if (group === 'networking.istio.io' && kind === 'Hostname') return resolveHostname(context, route, reference, user);
  if (group !== '' || kind !== 'Service') return { reason: 'InvalidKind', message: `Backends of kind ${kind}${group ? `.${group}` : ''} are not supported. Use a Service.` };
  const own = route.metadata.namespace ?? '';
  const namespace = reference.namespace ?? own;
  if (user === 'gateway' && !context.permits({ group: GATEWAY_API_GROUP, kind: route.kind, namespace: own }, { group: '', kind: 'Service', namespace, name })) {
    return { reason: 'RefNotPermitted', message: `No ReferenceGrant in ${namespace} lets routes of ${own} use the Service ${name}.` };
  }
  const service = context.services.get(`${namespace}/${name}`);
  if (!service) return { reason: 'BackendNotFound', message: `The Service ${namespace}/${name} does not exist.` };
  if (port === undefined) return portMissing(name);
  return portFault(service, `${namespace}/${name}`, port) ?? { host: `${name}.${namespace}.svc.${context.resources.domain}`, port: { number: port } };
}

function portFault({ spec }: KubernetesService, name: string, port: number): Fault | undefined {
  const found = (spec?.ports ?? []).filter((candidate) => candidate.port === port);
  if (found.length === 0) return { reason: 'BackendNotFound', message: `The Service ${name} has no port ${port}.` };
  return found.some(({ protocol = 'TCP' }) => protocol === 'TCP') ? undefined : { reason: 'UnsupportedProtocol', message: `Port ${port} of Service ${name} is not TCP.` };
}

function portMissing(name: string): Fault {
  return { reason: 'UnsupportedValue', message: `The reference to ${name} names no port.` };
}
