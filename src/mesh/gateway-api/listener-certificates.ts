// Certificates of listeners: the server's own, and what clients' certificates are checked against.
import type { FrontendValidation, GatewayListener, KubernetesGateway } from '../../shared/api/gateway-api/gateway.ts';
import { GATEWAY_API_GROUP, type ObjectReference } from '../../shared/api/gateway-api/shared.ts';
import type { BindingContext } from './binding-context.ts';
import type { Fault } from './conditions.ts';
import type { ReferenceSource } from './grants.ts';

/** How a client's certificate is checked. */
export interface ClientValidation {
  /** PEM of the authorities. */
  readonly authorities: string;
  /** Whether a client without a valid certificate is refused. */
  readonly required: boolean;
}

/** The Secrets of a listener that hold a certificate and key, and what is wrong with the others. */
export function listenerCertificates(context: BindingContext, owner: ReferenceSource, { tls }: GatewayListener): { readonly secrets: readonly string[]; readonly fault: Fault | undefined } {
  const references = tls?.certificateRefs ?? [];
  if (references.length === 0) return { secrets: [], fault: { reason: 'InvalidCertificateRef', message: 'The listener ends TLS and names no certificate. Set tls.certificateRefs.' } };
  const secrets: string[] = [];
  let fault: Fault | undefined;
  for (const reference of references) {
    const problem = certificateFault(context, owner, reference, 'InvalidCertificateRef');
    if (problem) fault ??= problem;
    else secrets.push(`${reference.namespace ?? owner.namespace}/${reference.name}`);
  }
  return { secrets, fault };
}

/** Why a reference does not lead to a certificate with its key; undefined when it does. */
export function certificateFault(context: BindingContext, owner: ReferenceSource, reference: ObjectReference, invalid: string): Fault | undefined {
  const namespace = reference.namespace ?? owner.namespace;
  const name = `${namespace}/${reference.name}`;
  if ((reference.group ?? '') !== '' || (reference.kind ?? 'Secret') !== 'Secret') return { reason: invalid, message: `A certificate is read from a Secret, not from ${reference.kind ?? 'Secret'}${reference.group ? `.${reference.group}` : ''} ${name}.` };
  if (!context.permits(owner, { group: '', kind: 'Secret', namespace, name: reference.name })) {
    return { reason: 'RefNotPermitted', message: `No ReferenceGrant in ${namespace} lets ${owner.kind} of ${owner.namespace} use the Secret ${name}.` };
  }
  const secret = context.resources.secrets.get(name);
  if (!secret) return { reason: invalid, message: `The Secret ${name} does not exist.` };
  if (secret.keyPair === 'valid') return undefined;
  return { reason: invalid, message: secret.message ?? `The Secret ${name} holds no valid pair tls.crt and tls.key.` };
}

interface FrontendFindings {
  readonly validation: ClientValidation | undefined;
  readonly refused: Fault | undefined;
  readonly unresolved: Fault | undefined;
}

/** The settings for clients' certificates on a port: the port's own, else the default. */
export function frontendValidation(gateway: KubernetesGateway, port: number): FrontendValidation | undefined {
  const frontend = gateway.spec.tls?.frontend;
  const own = frontend?.perPort?.find((entry) => entry.port === port);
  return own ? own.tls.validation : frontend?.default?.validation;
}

/** How clients' certificates are checked on a port of a Gateway. Without a single usable authority nobody may be let in. */
export function clientValidation(context: BindingContext, gateway: KubernetesGateway, port: number): FrontendFindings | undefined {
  const settings = frontendValidation(gateway, port);
  if (!settings) return undefined;
  const owner = { group: GATEWAY_API_GROUP, kind: 'Gateway', namespace: gateway.metadata.namespace ?? '' };
  const bundles: string[] = [];
  let unresolved: Fault | undefined;
  for (const reference of settings.caCertificateRefs) {
    const found = authorityBundle(context, owner, reference);
    if ('reason' in found) unresolved ??= found;
    else bundles.push(found.pem);
  }
  if (bundles.length === 0) {
    const message = `No certificate authority for clients can be used: ${unresolved?.message ?? 'caCertificateRefs is empty.'}`;
    return { validation: undefined, refused: { reason: 'NoValidCACertificate', message }, unresolved: unresolved ?? { reason: 'InvalidCACertificateRef', message } };
  }
  return { validation: { authorities: bundles.join('\n'), required: settings.mode !== 'AllowInsecureFallback' }, refused: undefined, unresolved };
}

function authorityBundle(context: BindingContext, owner: ReferenceSource, reference: ObjectReference): { readonly pem: string } | Fault {
  const namespace = reference.namespace ?? owner.namespace;
  const name = `${namespace}/${reference.name}`;
  const kind = reference.kind ?? 'ConfigMap';
  if ((reference.group ?? '') !== '' || (kind !== 'ConfigMap' && kind !== 'Secret')) return { reason: 'InvalidCACertificateKind', message: `Authorities are read from a ConfigMap or Secret, not from ${kind} ${name}.` };
  if (!context.permits(owner, { group: '', kind, namespace, name: reference.name })) return { reason: 'RefNotPermitted', message: `No ReferenceGrant in ${namespace} lets the Gateway use the ${kind} ${name}.` };
  const pem = (kind === 'ConfigMap' ? context.resources.configMaps : context.resources.secrets).get(name)?.caCertificates;
  return pem === undefined ? { reason: 'InvalidCACertificateRef', message: `The ${kind} ${name} does not exist or has no certificate in ca.crt.` } : { pem };
}
