// What the story needs of the embedded cluster. The command line may not import the sandbox: main hands a function of this form in.

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
