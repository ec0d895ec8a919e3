// Which Secrets and ConfigMaps decide about Gateways: the control plane reads these and no others.
import type { KubernetesGateway } from '../../shared/api/gateway-api/gateway.ts';
import type { ObjectReference } from '../../shared/api/gateway-api/shared.ts';
import type { GatewayApiResources, ReferencedObjects } from './binding-types.ts';

interface Named {
  readonly reference: ObjectReference;
  /** Namespace of the object that has the reference. */
  readonly owner: string;
  /** Kind that is meant when the reference names none. */
  readonly kind: 'Secret' | 'ConfigMap';
}

/** The Secrets and ConfigMaps that Gateways, ListenerSets and policies name, permitted or not. */
export function referencedObjects(resources: Pick<GatewayApiResources, 'gateways' | 'listenerSets' | 'backendTlsPolicies'>): ReferencedObjects {
  const named = [
    ...resources.gateways.flatMap(gatewayReferences),
    ...[...resources.gateways, ...resources.listenerSets].flatMap(({ metadata, spec }) => certificateReferences(spec.listeners, metadata.namespace ?? '')),
    ...resources.backendTlsPolicies.flatMap(({ metadata, spec }) => (spec.validation.caCertificateRefs ?? []).map((reference): Named => ({ reference, owner: metadata.namespace ?? '', kind: 'ConfigMap' }))),
  ];
  return { secrets: namesOf(named, 'Secret'), configMaps: namesOf(named, 'ConfigMap') };
}

function certificateReferences(listeners: KubernetesGateway['spec']['listeners'], owner: string): Named[] {
  return (listeners ?? []).flatMap(({ tls }) => tls?.certificateRefs ?? []).map((reference) => ({ reference, owner, kind: 'Secret' }));
}

/** What a Gateway names outside its listeners: its own certificate, the authorities of clients, the parameters of its workload. */
function gatewayReferences({ metadata, spec: { infrastructure, tls } }: KubernetesGateway): Named[] {
  const owner = metadata.namespace ?? '';
  const own = tls?.backend?.clientCertificateRef;
  const validations = [tls?.frontend?.default?.validation, ...(tls?.frontend?.perPort ?? []).map((entry) => entry.tls.validation)];
  const parameters = infrastructure?.parametersRef;
  return [
    ...(parameters ? [{ reference: parameters, owner, kind: 'ConfigMap' as const }] : []),
    ...(own ? [{ reference: own, owner, kind: 'Secret' as const }] : []),
    ...validations.flatMap((validation) => validation?.caCertificateRefs ?? []).map((reference): Named => ({ reference, owner, kind: 'ConfigMap' })),
  ];
}

function namesOf(named: readonly Named[], kind: Named['kind']): string[] {
  const wanted = named.filter(({ reference, kind: byDefault }) => (reference.kind ?? byDefault) === kind);
  return [...new Set(wanted.map(({ reference, owner }) => `${reference.namespace ?? owner}/${reference.name}`))].sort();
}
