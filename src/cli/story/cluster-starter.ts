// What the story needs of a cluster. The command line may not import the sandbox: main hands a function of this form in.

/** A cluster that the story runs on. */
export interface StoryCluster {
  /** What the progress calls it. */
  readonly title: 'sandbox' | 'cluster';
  /** Path of a kubeconfig file for its administrator. */
  readonly kubeconfig: string;
  /** Where node ports listen. */
  readonly nodeAddress: string;
  /** Address of this machine that the cluster's pods reach. */
  readonly ownAddress: string;
  /** Profiles of the control plane. */
  readonly profiles: readonly string[];
  /** Stops what was started for the story. */
  stop(): Promise<void>;
}

/** A sandbox that runs. */
export interface RunningSandbox {
  /** Path of a kubeconfig file for its administrator. */
  readonly kubeconfig: string;
  /** Where node ports listen. */
  readonly nodeAddress: string;
  /** Stops every process of it. */
  stop(): Promise<void>;
}

/** Starts a sandbox. */
export type StartSandbox = (options: {
  /** Keeps its state there, to go on with it later; in memory when absent. */
  readonly directory?: string;
  readonly signal: AbortSignal;
}) => Promise<RunningSandbox>;

/** A sandbox as the story's cluster. */
export async function sandboxCluster(startSandbox: StartSandbox, directory: string | undefined, signal: AbortSignal): Promise<StoryCluster> {
  const { kubeconfig, nodeAddress, stop } = await startSandbox({ signal, ...(directory ? { directory } : {}) });
  return { title: 'sandbox', kubeconfig, nodeAddress, ownAddress: nodeAddress, profiles: ['default', 'sandbox'], stop };
}
