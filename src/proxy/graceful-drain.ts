// The end of the proxy: readiness fails, listeners drain, and the process waits for a fixed time or until no connection is left.

/** Joints of a drain. */
export interface DrainOptions {
  readonly terminationDrainMilliseconds: number;
  readonly exitOnZeroActiveConnections: boolean;
  readonly minimumDrainMilliseconds: number;
  /** Longest wait for connections to end. */
  readonly limitMilliseconds: number;
  readonly activeConnections: () => number | Promise<number>;
  readonly intervalMilliseconds?: number;
}

/** Waits as long as connections may still be served. */
export async function waitForDrain(options: DrainOptions): Promise<void> {
  if (!options.exitOnZeroActiveConnections) {
    await sleep(options.terminationDrainMilliseconds);
    return;
  }
  const start = Date.now();
  await sleep(options.minimumDrainMilliseconds);
  while ((await options.activeConnections()) > 0 && Date.now() - start < options.limitMilliseconds) await sleep(options.intervalMilliseconds ?? 250);
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
