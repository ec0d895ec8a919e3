// The certificate with which a Gateway shows itself to backends.
import type { KubernetesGateway } from '../../shared/api/gateway-api/gateway.ts';
import { GATEWAY_API_GROUP } from '../../shared/api/gateway-api/shared.ts';
import type { GatewayClientCertificate } from '../model/gateway-api-configuration.ts';
import type { BindingContext } from './binding-context.ts';
import type { Fault } from './conditions.ts';
import { certificateFault } from './listener-certificates.ts';

/** Why the certificate that a Gateway names can not be used. */
export function clientCertificateFault(context: BindingContext, gateway: KubernetesGateway): Fault | undefined {
  const reference = gateway.spec.tls?.backend?.clientCertificateRef;
  return reference && certificateFault(context, { group: GATEWAY_API_GROUP, kind: 'Gateway', namespace: gateway.metadata.namespace ?? '' }, reference, 'InvalidClientCertificateRef');
}

/** The certificate of a Gateway, when it has a usable one. */
export function clientCertificate(context: BindingContext, gateway: KubernetesGateway): GatewayClientCertificate | undefined {
  const reference = gateway.spec.tls?.backend?.clientCertificateRef;
  if (!reference || clientCertificateFault(context, gateway)) return undefined;
  const { name, namespace = '' } = gateway.metadata;
  return { namespace, gateway: name, secret: `${reference.namespace ?? namespace}/${reference.name}` };
}
