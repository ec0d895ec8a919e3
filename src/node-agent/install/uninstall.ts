// Whether the node agent stops for good or only for a while: its DaemonSet tells. A pod's end looks the same either way.
import { setTimeout as sleep } from 'node:timers/promises';
import { DaemonSetResource } from '../../shared/api/core/workloads.ts';
import { KubeError, type KubeClient } from '../../shared/kube/index.ts';
import { createLogger } from '../../shared/observability/index.ts';
import { describeError } from '../../shared/lib/index.ts';

const TIMEOUT_MILLISECONDS = 8_000;
/** A busy server answers late, and one that is just starting refuses; an uninstallation takes this program's own permissions away for good. Its account is the last to go: the operator waits for the node agents with it. */
const TRIES = 4;
const PAUSE_MILLISECONDS = 2_000;
/** Who is refused when no token went with the request, which says nothing of this program's permissions. */
const ANONYMOUS = 'system:anonymous';
const log = createLogger('cni-install');

/**
 * True when the DaemonSet is gone or going, when it no longer installs the plugin, or when this account has lost its permissions. In doubt, as while the API server is away or
 * when it does not know this pod any more (its token ends with it when somebody deletes it by force), false: a plugin that stays holds pods of the mesh back, one that goes would let
 * them start uncaptured.
 */
export async function isUninstalled(client: Pick<KubeClient, 'find'>, namespace: string, name: string, pauseMilliseconds = PAUSE_MILLISECONDS): Promise<boolean> {
  let last: unknown;
  for (let tries = 0; tries < TRIES; tries += 1) {
    if (tries > 0) await sleep(pauseMilliseconds);
    try {
      const daemonSet = await client.find(DaemonSetResource, name, namespace, AbortSignal.timeout(TIMEOUT_MILLISECONDS));
      if (!daemonSet || daemonSet.metadata?.deletionTimestamp !== undefined) return true;
      const args = (daemonSet.spec?.template?.spec?.containers ?? []).flatMap((container) => container.args ?? []);
      return !args.includes('--install-plugin=true');
    } catch (error) {
      last = error;
    }
  }
  if (last instanceof KubeError && last.status === 403 && !last.message.includes(ANONYMOUS)) return true;
  log.warn({ error: describeError(last) }, 'whether the mesh is being uninstalled could not be found out');
  return false;
}
