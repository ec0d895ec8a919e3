// What keeps a Gateway as a whole from being accepted: parameters, type of the Service, addresses. Such a Gateway serves nothing and keeps the workload that it has.
import type { KubernetesGateway } from '../../shared/api/gateway-api/gateway.ts';
import type { BindingContext } from './binding-context.ts';
import type { Fault } from './conditions.ts';
import { SERVICE_TYPE_ANNOTATION } from './names.ts';

type Asked = Pick<KubernetesGateway, 'metadata' | 'spec'>;

const SERVICE_TYPES = ['LoadBalancer', 'NodePort', 'ClusterIP'] as const;

/** Types that the Service of a Gateway may have. */
export type GatewayServiceType = (typeof SERVICE_TYPES)[number];

/** What the Gateway asks for and can not have. */
export function gatewayFault(context: BindingContext, gateway: KubernetesGateway): Fault | undefined {
  const wrong = parametersFault(context, gateway) ?? serviceTypeFault(gateway);
  if (wrong !== undefined) return { reason: 'InvalidParameters', message: wrong };
  const odd = gateway.spec.addresses?.find(({ type = 'IPAddress' }) => type !== 'IPAddress' && type !== 'Hostname');
  return odd && { reason: 'UnsupportedAddress', message: `Addresses of type ${odd.type ?? ''} are not supported. Use IPAddress or Hostname.` };
}

/** Whether nothing is known yet of the ConfigMap that a Gateway names as its parameters. Such a Gateway is served; its workload waits. */
export function awaitsParameters({ resources }: BindingContext, gateway: Asked): boolean {
  return resources.unreadConfigMaps?.has(parametersKey(gateway)) ?? false;
}

/** `namespace/name` of the ConfigMap with a Gateway's parameters; no key of any where it names none. */
export function parametersKey({ metadata, spec }: Asked): string {
  const reference = spec.infrastructure?.parametersRef;
  return reference ? `${metadata.namespace ?? ''}/${reference.name}` : '';
}

function parametersFault(context: BindingContext, gateway: KubernetesGateway): string | undefined {
  const { parametersRef } = gateway.spec.infrastructure ?? {};
  if (!parametersRef) return undefined;
  const { group, kind, name } = parametersRef;
  if (group !== '' || kind !== 'ConfigMap') return `Parameters of kind ${kind}${group === '' ? '' : `.${group}`} are not supported. Use a ConfigMap.`;
  const verdict = context.resources.configMaps.get(parametersKey(gateway));
  if (verdict?.parametersFault !== undefined) return `The ConfigMap ${name}: ${verdict.parametersFault}`;
  return verdict || awaitsParameters(context, gateway) ? undefined : `The ConfigMap ${name} does not exist in the namespace of the Gateway.`;
}

function askedServiceType({ metadata, spec }: Asked): string {
  return spec.infrastructure?.annotations?.[SERVICE_TYPE_ANNOTATION] ?? metadata.annotations?.[SERVICE_TYPE_ANNOTATION] ?? 'LoadBalancer';
}

function serviceTypeFault(gateway: Asked): string | undefined {
  const asked = askedServiceType(gateway);
  return SERVICE_TYPES.some((type) => type === asked) ? undefined : `The annotation ${SERVICE_TYPE_ANNOTATION} asks for the type ${asked}. Use one of ${SERVICE_TYPES.join(', ')}.`;
}

/** The type of an accepted Gateway's Service. */
export function serviceTypeOf(gateway: Asked): GatewayServiceType {
  const asked = askedServiceType(gateway);
  return SERVICE_TYPES.find((type) => type === asked) ?? 'LoadBalancer';
}
