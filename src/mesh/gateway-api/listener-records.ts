// Listeners as Gateways of the model, one each, and the frame of the VirtualServices bound to them.
import { GATEWAY_NAME_LABEL, GRANTED_SECRET_SCHEME } from '../model/gateway-api-names.ts';
import { createdAt } from '../model/services.ts';
import type { ConfigRecord } from '../model/config-record.ts';
import type { ModelGateway, ModelServer, ModelServerTls, ModelVirtualService } from '../model/gateway-api-configuration.ts';
import type { BoundGateway } from './bound-gateway.ts';
import type { BoundListener } from './bound-listener.ts';
import { isNarrower, neighbours } from './listener-hosts.ts';

/** Name of the model's Gateway for a listener. The sign is not allowed in names of objects, so that nobody else's can be meant. */
export function gatewayRecordName(gateway: BoundGateway, listener: BoundListener): string {
  return `${gateway.gateway.metadata.name}~${listener.key}`;
}

/** The Gateway for a listener. `selector` picks the proxies. */
export function gatewayRecord(gateway: BoundGateway, listener: BoundListener, selector: Readonly<Record<string, string>> | undefined): ConfigRecord<ModelGateway> {
  const { metadata } = gateway.gateway;
  return record(gateway, gatewayRecordName(gateway, listener), {
    selector: selector ? { ...selector } : { [GATEWAY_NAME_LABEL]: metadata.name },
    ownNamespace: true,
    servers: [serverOf(gateway, listener)],
  });
}

const PROTOCOLS = { http: 'HTTP', https: 'HTTPS', 'tls-terminate': 'TLS', 'tls-passthrough': 'TLS', tcp: 'TCP', unsupported: '' } as const;

function serverOf(gateway: BoundGateway, listener: BoundListener): ModelServer {
  const tls = tlsOf(listener);
  const misdirected = listener.mode === 'https' ? misdirectedHosts(gateway, listener) : [];
  return {
    port: { number: listener.listener.port, protocol: PROTOCOLS[listener.mode], name: listener.key },
    hosts: [listener.hostname],
    ...(tls ? { tls } : {}),
    ...(misdirected.length > 0 ? { misdirected } : {}),
  };
}

function tlsOf(listener: BoundListener): ModelServerTls | undefined {
  if (listener.mode === 'tls-passthrough') return { mode: 'PASSTHROUGH' };
  if (listener.mode !== 'https' && listener.mode !== 'tls-terminate') return undefined;
  return {
    mode: 'SIMPLE',
    credentialNames: listener.certificates.map((name) => `${GRANTED_SECRET_SCHEME}${name}`),
    ...(listener.validation ? { clientCa: { pem: listener.validation.authorities, required: listener.validation.required } } : {}),
  };
}

/** Hosts of the port that belong to other listeners, as far as they are not this one's narrower part. */
function misdirectedHosts(gateway: BoundGateway, listener: BoundListener): readonly string[] {
  return [...new Set(neighbours(gateway, listener).map(({ hostname }) => hostname).filter((hostname) => hostname !== listener.hostname && !isSamePart(listener.hostname, hostname)))].sort();
}

/** The catch-all's own part is everything that nobody narrower claims. */
function isSamePart(own: string, other: string): boolean {
  return own === '*' && !isNarrower(other, own);
}

/** A VirtualService bound to one Gateway of the model. */
export function listenerVirtualService(gateway: BoundGateway, gatewayName: string, label: string, spec: ModelVirtualService): ConfigRecord<ModelVirtualService> {
  const namespace = gateway.gateway.metadata.namespace ?? '';
  return record(gateway, `${gatewayName}~${label}`, { ...spec, gateways: [`${namespace}/${gatewayName}`], exportTo: ['*'], gatewayApi: 'listener' });
}

function record<T>({ gateway }: BoundGateway, name: string, spec: T): ConfigRecord<T> {
  const namespace = gateway.metadata.namespace ?? '';
  return { name, namespace, labels: {}, annotations: {}, createdAt: createdAt(gateway.metadata), spec, source: `${gateway.kind}.gateway.networking.k8s.io/${namespace}/${name}` };
}
