// Which Secrets and ConfigMaps decide about Gateways: the control plane reads these and no others.
import type { GatewayApiResources, ReferencedObjects } from './binding-types.ts';

/** The Secrets and ConfigMaps that Gateways, ListenerSets and policies name, permitted or not. */
export function referencedObjects(resources: Pick<GatewayApiResources, 'gateways' | 'listenerSets' | 'backendTlsPolicies'>): ReferencedObjects {
  const secrets = new Set<string>();
  const configMaps = new Set<string>();
  const add = (reference: { readonly kind?: string | undefined; readonly name: string; readonly namespace?: string | undefined } | undefined, owner: string, kind: string): void => {
    if (!reference) return;
    const key = `${reference.namespace ?? owner}/${reference.name}`;
    const wanted = reference.kind ?? kind;
    if (wanted === 'Secret') secrets.add(key);
    else if (wanted === 'ConfigMap') configMaps.add(key);
  };
  for (const { metadata, spec } of resources.gateways) {
    const owner = metadata.namespace ?? '';
    for (const { tls } of spec.listeners ?? []) for (const reference of tls?.certificateRefs ?? []) add(reference, owner, 'Secret');
    add(spec.tls?.backend?.clientCertificateRef, owner, 'Secret');
    for (const { validation } of [spec.tls?.frontend?.default ?? {}, ...(spec.tls?.frontend?.perPort ?? []).map(({ tls }) => tls)]) {
      for (const reference of validation?.caCertificateRefs ?? []) add(reference, owner, 'ConfigMap');
    }
  }
  for (const { metadata, spec } of resources.listenerSets) {
    for (const { tls } of spec.listeners ?? []) for (const reference of tls?.certificateRefs ?? []) add(reference, metadata.namespace ?? '', 'Secret');
  }
  for (const { metadata, spec } of resources.backendTlsPolicies) {
    for (const reference of spec.validation.caCertificateRefs ?? []) add(reference, metadata.namespace ?? '', 'ConfigMap');
  }
  return { secrets: [...secrets].sort(), configMaps: [...configMaps].sort() };
}
