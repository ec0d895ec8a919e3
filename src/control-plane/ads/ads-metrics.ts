// Metrics of the ADS server, under Istio's names so that its dashboards work.
import { programMetrics } from '../../shared/observability/index.ts';
import { TYPE_URLS } from '../../shared/xds/index.ts';

const SHORT_NAMES: Readonly<Record<string, string>> = { [TYPE_URLS.cluster]: 'cds', [TYPE_URLS.endpoint]: 'eds', [TYPE_URLS.listener]: 'lds', [TYPE_URLS.route]: 'rds', [TYPE_URLS.secret]: 'sds', [TYPE_URLS.nameTable]: 'nds' };
const PUSH_SECONDS = [0.01, 0.1, 1, 3, 5, 10, 20, 30];

const rejectsByType = new Map(Object.values(SHORT_NAMES).map((short) => [short, programMetrics.gauge(`pilot_xds_${short}_reject`, `Proxies that refused ${short.toUpperCase()}.`, ['node', 'err'])]));

/** The metrics. */
export const adsMetrics = {
  connections: programMetrics.gauge('pilot_xds', 'Proxies connected.', ['version']),
  pushes: programMetrics.counter('pilot_xds_pushes', 'Responses sent.', ['type']),
  pushSeconds: programMetrics.histogram('pilot_xds_push_time', 'Time to make and send the resources of one type.', ['type'], PUSH_SECONDS),
  sendSeconds: programMetrics.histogram('pilot_xds_send_time', 'Time until a response was handed to the connection.', [], PUSH_SECONDS),
  sizeBytes: programMetrics.histogram('pilot_xds_config_size_bytes', 'Size of responses.', ['type'], [1, 10_000, 1_000_000, 4_000_000, 10_000_000, 40_000_000]),
  rejects: programMetrics.counter('pilot_total_xds_rejects', 'Responses that proxies refused.', ['type']),
  expiredNonces: programMetrics.counter('pilot_xds_expired_nonce', 'Requests about a response that a newer one has replaced.', ['type']),
  internalErrors: programMetrics.counter('pilot_total_xds_internal_errors', 'Resources that could not be made.'),
  convergenceSeconds: programMetrics.histogram('pilot_proxy_convergence_time', 'Time from a change to its being sent to a proxy.', [], [0.1, 0.5, 1, 3, 5, 10, 20, 30]),
  queueSeconds: programMetrics.histogram('pilot_proxy_queue_time', 'Time a proxy waits in the push queue.', [], [0.1, 0.5, 1, 3, 5, 10, 20, 30]),
};

/** `cds`, `eds`, ... of a type URL; the URL itself for others. */
export function shortTypeName(typeUrl: string): string {
  return SHORT_NAMES[typeUrl] ?? typeUrl;
}

/** Notes a refusal, or that `node` refuses no more. */
export function noteReject(typeUrl: string, node: string, refused: boolean): void {
  const gauge = rejectsByType.get(shortTypeName(typeUrl));
  if (refused) {
    adsMetrics.rejects.add({ type: shortTypeName(typeUrl) });
    gauge?.set({ node, err: 'refused' }, 1);
  } else gauge?.remove({ node, err: 'refused' });
}
