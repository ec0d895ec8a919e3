// `mizzen proxy-status`: which configuration every proxy has been sent and has taken, asked of every control plane pod.
import type { KubeClient } from '../../shared/kube/index.ts';
import { describeError } from '../../shared/lib/index.ts';
import { livePods } from '../cluster/readiness.ts';
import { getFromPod } from '../cluster/pod-request.ts';
import { renderTable } from '../output/table.ts';
import { CommandError, defineCommand } from './command.ts';
import { withCluster } from './with-cluster.ts';

/** One proxy as /debug/syncz gives it. */
interface SyncStatus {
  readonly proxy?: string;
  readonly cluster_id?: string;
  readonly istio_version?: string;
  readonly [field: string]: unknown;
}

/** Port of the control plane that tells about itself. */
const MONITORING_PORT = 15_014;
const kinds = ['cluster', 'listener', 'endpoint', 'route'] as const;

/** Prints a row for each connected proxy. */
export const proxyStatusCommand = defineCommand({
  name: 'proxy-status',
  summary: 'Show which configuration each proxy has taken',
  description: 'Asks every control plane pod which configuration it has sent to each proxy, and which of it the proxy has acknowledged: SYNCED, STALE or NOT SENT.',
  options: { namespace: { kind: 'string', default: 'istio-system', help: 'Namespace of the control plane' }, kubeconfig: { kind: 'string', help: 'Path of the kubeconfig' } },
  run: async ({ namespace, kubeconfig }, _rest, { stdout, stderr }) => {
    const rows = await withCluster(kubeconfig, (client) => proxyRows(client, namespace, (problem) => stderr.write(`mizzen proxy-status: ${problem}\n`)));
    stdout.write(renderTable(['NAME', 'CLUSTER', 'CDS', 'LDS', 'EDS', 'RDS', 'CONTROL PLANE', 'VERSION'], rows));
    return 0;
  },
});

/** What every pod says; one that cannot be asked, as in an upgrade, is told of, and hides nothing of the others unless it is the only one. */
async function proxyRows(client: KubeClient, namespace: string, tell: (problem: string) => void): Promise<string[][]> {
  const pods = await livePods(client, namespace, 'app=istiod');
  if (pods.length === 0) throw new CommandError(`no control plane pod (label app=istiod) found in namespace '${namespace}'; name its namespace with --namespace`);
  const answers = await Promise.allSettled(pods.map(async (pod) => {
    const name = pod.metadata?.name ?? '';
    const proxies = JSON.parse(await getFromPod(client, namespace, name, MONITORING_PORT, '/debug/syncz')) as SyncStatus[];
    return proxies.map((proxy) => [String(proxy.proxy ?? ''), String(proxy.cluster_id ?? ''), ...kinds.map((kind) => syncState(proxy, kind)), name, String(proxy.istio_version ?? '')]);
  }));
  const failures = answers.flatMap((answer) => (answer.status === 'rejected' ? [describeError(answer.reason)] : []));
  if (failures.length === answers.length) throw new CommandError(failures.join('; '));
  failures.forEach(tell);
  return answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : [])).sort((left, right) => (left[0] ?? '').localeCompare(right[0] ?? ''));
}

function syncState(proxy: SyncStatus, kind: (typeof kinds)[number]): string {
  const [sent, acked] = [proxy[`${kind}_sent`], proxy[`${kind}_acked`]];
  if (!sent) return 'NOT SENT';
  return sent === acked ? 'SYNCED' : 'STALE';
}
