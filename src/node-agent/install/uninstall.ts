// Whether the node agent stops for good or only for a while: its DaemonSet tells. A pod's end looks the same either way.
import { DaemonSetResource } from '../../shared/api/core/workloads.ts';
import { KubeError, type KubeClient } from '../../shared/kube/index.ts';
import { createLogger } from '../../shared/observability/index.ts';
import { describeError } from '../../shared/lib/index.ts';

const TIMEOUT_MILLISECONDS = 5_000;
const UNAUTHORIZED = 401;
const log = createLogger('cni-install');

/**
 * True when the DaemonSet is gone or going, when it no longer installs the plugin, or when this pod's own service account is gone. In doubt, as while the API server
 * is away, false: a plugin that stays holds pods of the mesh back, one that goes would let them start uncaptured.
 */
export async function isUninstalled(client: KubeClient, namespace: string, name: string): Promise<boolean> {
  try {
    const daemonSet = await client.find(DaemonSetResource, name, namespace, AbortSignal.timeout(TIMEOUT_MILLISECONDS));
    if (!daemonSet || daemonSet.metadata?.deletionTimestamp !== undefined) return true;
    const args = (daemonSet.spec?.template?.spec?.containers ?? []).flatMap((container) => container.args ?? []);
    return !args.includes('--install-plugin=true');
  } catch (error) {
    if (error instanceof KubeError && error.status === UNAUTHORIZED) return true;
    log.warn({ error: describeError(error) }, 'whether the mesh is being uninstalled could not be found out');
    return false;
  }
}
