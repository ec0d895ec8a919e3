// The cluster that a command speaks to: the kubeconfig that was given, or the usual one; says what to do when there is none.
import { KubeClient, KubeError, serverVersion } from '../../shared/kube/index.ts';
import { describeError } from '../../shared/lib/index.ts';
import { CommandError } from './command.ts';

/** Runs `use` with a client and closes it; throws a CommandError when there is no cluster to reach. */
export async function withCluster<T>(kubeconfig: string | undefined, use: (client: KubeClient) => Promise<T>): Promise<T> {
  let client: KubeClient;
  try {
    client = KubeClient.fromDefault(kubeconfig ? { kubeconfig } : {});
  } catch (error) {
    throw unreachable(kubeconfig, describeError(error));
  }
  try {
    // Asked first, so that no part of the command has to tell a missing cluster from troubles of its own.
    await serverVersion(client).catch((error: unknown) => {
      if (error instanceof KubeError && error.status > 0) return;
      throw unreachable(kubeconfig, `${client.server} does not answer: ${error instanceof KubeError ? error.serverMessage : describeError(error)}`);
    });
    return await use(client);
  } finally {
    client.close();
  }
}

// Without its cause: all of it that helps is said.
function unreachable(kubeconfig: string | undefined, reason: string): CommandError {
  const named = kubeconfig ?? process.env['KUBECONFIG'];
  if (named) return new CommandError(`the cluster of kubeconfig ${named} cannot be reached (${reason}). Is it running? Set KUBECONFIG as \`npm start\` printed.`);
  return new CommandError('no cluster: set KUBECONFIG as `npm start` printed, or give --kubeconfig FILE.');
}
