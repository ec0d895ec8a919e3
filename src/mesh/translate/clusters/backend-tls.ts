// TLS to backends as policies of the Gateway API ask for it: for gateways only, since workloads in the mesh have mutual TLS of their own.
import { GATEWAY_NAME_LABEL, GRANTED_SECRET_SCHEME } from '../../model/gateway-api-names.ts';
import type { BackendTlsRecord } from '../../model/gateway-api-configuration.ts';
import type { ServicePortRecord, ServiceRecord } from '../../model/records.ts';
import type { ProxyView } from '../proxy-view.ts';

const indexes = new WeakMap<readonly BackendTlsRecord[], ReadonlyMap<string, BackendTlsRecord>>();

/** The policy for a port, and the Secret with which the gateway shows itself there. */
export function backendTlsFor({ snapshot, proxy }: ProxyView, service: ServiceRecord, port: ServicePortRecord): { readonly record: BackendTlsRecord; readonly certificate: string | undefined } | undefined {
  if (proxy.type !== 'router' || snapshot.backendTls.length === 0) return undefined;
  const record = indexOf(snapshot.backendTls).get(`${service.host}:${port.number}`);
  if (!record) return undefined;
  const own = snapshot.gatewayClientCertificates.find(({ namespace, gateway }) => namespace === proxy.namespace && gateway === proxy.labels[GATEWAY_NAME_LABEL]);
  return { record, certificate: own && `${GRANTED_SECRET_SCHEME}${own.secret}` };
}

function indexOf(records: readonly BackendTlsRecord[]): ReadonlyMap<string, BackendTlsRecord> {
  let index = indexes.get(records);
  if (!index) indexes.set(records, (index = new Map(records.map((record) => [`${record.host}:${record.port}`, record]))));
  return index;
}
