// What each proxy has been sent and has accepted, in the shape of Istio's /debug/syncz, which its command line and Kiali read.
import { TYPE_URLS } from '../../shared/xds/index.ts';
import type { AdsConnection, TypeStatus } from '../ads/index.ts';

const FIELDS = { cluster: TYPE_URLS.cluster, listener: TYPE_URLS.listener, route: TYPE_URLS.route, endpoint: TYPE_URLS.endpoint } as const;

/** One row of /debug/syncz. */
export function syncStatus(connection: AdsConnection): Record<string, unknown> {
  const { proxy } = connection;
  const byType = new Map(connection.status().map((status) => [status.typeUrl, status]));
  const row: Record<string, unknown> = {
    cluster_id: proxy?.metadata.clusterId, proxy: proxy?.id, proxy_type: proxy?.type, proxy_version: proxy?.metadata.istioVersion, istio_version: proxy?.metadata.istioVersion,
    connection_id: connection.id, protocol: connection.protocol, connected_at: connection.connectedAt.toISOString(), address: connection.address, snapshot: connection.pushedSnapshot,
  };
  for (const [field, typeUrl] of Object.entries(FIELDS)) {
    const status = byType.get(typeUrl);
    row[`${field}_sent`] = status?.sentNonce ?? '';
    row[`${field}_acked`] = status?.acknowledgedNonce ?? '';
  }
  row['resources'] = Object.fromEntries([...byType].map(([typeUrl, status]) => [typeUrl, describeType(status)]));
  return row;
}

function describeType(status: TypeStatus): Record<string, unknown> {
  return {
    sent: status.sentNonce, acked: status.acknowledgedNonce, sentVersion: status.sentVersion, ackedVersion: status.acknowledgedVersion, sentTime: status.sentAt,
    lastError: status.lastError, resources: status.resources, state: stateOf(status),
  };
}

function stateOf(status: TypeStatus): string {
  if (status.lastError !== '') return 'ERROR';
  if (status.sentNonce === '') return 'NOT SENT';
  return status.outstanding || status.sentNonce !== status.acknowledgedNonce ? 'STALE' : 'SYNCED';
}
