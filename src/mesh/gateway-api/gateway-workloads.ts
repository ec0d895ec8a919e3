// Workloads behind Gateways: what is to be deployed, or which Service of the user's stands for it, and under which addresses it is found.
import type { KubernetesGateway } from '../../shared/api/gateway-api/gateway.ts';
import { GATEWAY_NAME_LABEL } from '../model/gateway-api-names.ts';
import type { KubernetesService } from '../model/inputs.ts';
import type { GatewayDeployment, GatewayWorkloadState } from './binding-types.ts';
import type { BindingContext } from './binding-context.ts';
import { awaitsParameters, parametersKey, serviceTypeOf } from './gateway-fault.ts';
import type { BoundGateway } from './bound-gateway.ts';
import type { Fault } from './conditions.ts';
import { GATEWAY_CLASS_LABEL } from './names.ts';

/** A Service's name is a label of DNS. */
const LONGEST_SERVICE_NAME = 63;

/** How a Gateway is reached. */
export interface Workload {
  readonly addresses: readonly { readonly type: string; readonly value: string }[];
  readonly fault: Fault | undefined;
}

/** The API allows no more addresses in a status. */
const MAXIMUM_ADDRESSES = 16;

/** Addresses of a Gateway and what it lacks. */
export function workloadOf(context: BindingContext, bound: BoundGateway): Workload {
  const names = manualHosts(bound.gateway);
  if (names.length > 0) return manualWorkload(context, bound, names);
  const state = context.resources.workloads.get(bound.name);
  const addresses = (state?.addresses ?? []).slice(0, MAXIMUM_ADDRESSES).map(({ type, value }) => ({ type: type ?? 'IPAddress', value: value ?? '' }));
  return { addresses, fault: stateFault(bound, context) };
}

function stateFault(bound: BoundGateway, context: BindingContext): Fault | undefined {
  const state = context.resources.workloads.get(bound.name);
  if (state?.refusedAddresses?.length) return { reason: 'AddressNotUsable', message: `The platform can not give the address ${state.refusedAddresses.join(', ')}.` };
  if (!state && awaitsParameters(context, bound.gateway)) return { reason: 'AddressNotAssigned', message: 'The ConfigMap with the parameters of the workload has not been read yet.' };
  if (!state || state.addresses.length === 0) return { reason: 'AddressNotAssigned', message: state?.message ?? 'No address is assigned yet.' };
  return notReady(state);
}

/** Hosts of Services that the user deployed himself. */
export function manualHosts({ spec }: KubernetesGateway): readonly string[] {
  return (spec.addresses ?? []).flatMap(({ type, value }) => (type === 'Hostname' && value ? [value] : []));
}

/** The Service that a host stands for: short in the Gateway's own namespace, or in full. */
function serviceOf(context: BindingContext, gateway: KubernetesGateway, host: string): KubernetesService | undefined {
  const [name = '', namespace = gateway.metadata.namespace ?? ''] = host.split('.');
  return namespace === gateway.metadata.namespace ? context.services.get(`${namespace}/${name}`) : undefined;
}

function manualWorkload(context: BindingContext, { gateway, name }: BoundGateway, hosts: readonly string[]): Workload {
  const missing = hosts.find((host) => serviceOf(context, gateway, host) === undefined);
  const fault = missing === undefined
    ? notReady(context.resources.workloads.get(name))
    : { reason: 'AddressNotUsable', message: `There is no Service ${missing} in the namespace of the Gateway.` };
  return { addresses: hosts.map((value) => ({ type: 'Hostname', value })), fault };
}

function notReady(state: GatewayWorkloadState | undefined): Fault | undefined {
  return state === undefined || state.ready ? undefined : { reason: 'Pending', message: state.message ?? 'No proxy of the Gateway is ready yet.' };
}

/** Labels of the proxies where the user deployed them himself; undefined for our own deployments. */
export function manualSelector(context: BindingContext, gateway: KubernetesGateway): Readonly<Record<string, string>> | undefined {
  const [host] = manualHosts(gateway);
  return host === undefined ? undefined : serviceOf(context, gateway, host)?.spec?.selector ?? { [GATEWAY_NAME_LABEL]: gateway.metadata.name };
}

/** The deployment of a Gateway; undefined when the user brings his own. */
export function deploymentOf(context: BindingContext, bound: BoundGateway): GatewayDeployment | undefined {
  const { gateway, className } = bound;
  if (manualHosts(gateway).length > 0) return undefined;
  const { name, namespace = '', uid = '' } = gateway.metadata;
  const { labels = {}, annotations = {}, parametersRef } = gateway.spec.infrastructure ?? {};
  const digest = parametersRef && context.resources.configMaps.get(parametersKey(gateway))?.parametersDigest;
  const selector = { [GATEWAY_NAME_LABEL]: name };
  return {
    gateway: { namespace, name, uid, apiVersion: gateway.apiVersion },
    className,
    name: workloadName(bound),
    labels: { ...labels, ...selector, [GATEWAY_CLASS_LABEL]: className },
    annotations,
    selector,
    ports: portsOf(bound),
    serviceType: serviceTypeOf(gateway),
    addresses: (gateway.spec.addresses ?? []).flatMap(({ type, value }) => ((type ?? 'IPAddress') === 'IPAddress' && value ? [value] : [])),
    ...(parametersRef ? { parametersRef } : {}),
    ...(digest === undefined ? {} : { parametersDigest: digest }),
    ...(awaitsParameters(context, gateway) ? { awaitsParameters: true } : {}),
  };
}

/** Name of the objects of a Gateway's workload, its service account too. */
export function workloadName({ gateway, className }: BoundGateway): string {
  const name = `${gateway.metadata.name}-${className}`;
  return name.length <= LONGEST_SERVICE_NAME ? name : `${name.slice(0, LONGEST_SERVICE_NAME - 9).replace(/[-.]+$/, '')}-${fingerprint(name)}`;
}

/** Eight digits that tell long names apart which begin alike (FNV-1a). */
function fingerprint(text: string): string {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, '0');
}

/** Ports of all listeners that have a protocol of ours and are in nobody's way, served at present or not: a Service should not change with a certificate. */
function portsOf(bound: BoundGateway): GatewayDeployment['ports'] {
  const ports = new Map<number, string>();
  for (const listener of bound.listeners) {
    if (listener.mode === 'unsupported' || bound.conflicts.has(listener)) continue;
    const { port } = listener.listener;
    if (!ports.has(port)) ports.set(port, { http: 'http', https: 'https', 'tls-terminate': 'tls', 'tls-passthrough': 'tls', tcp: 'tcp' }[listener.mode]);
  }
  return [...ports].sort(([left], [right]) => left - right).map(([port, protocol]) => ({ name: `${protocol}-${port}`, port, appProtocol: protocol }));
}
