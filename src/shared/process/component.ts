// The life cycle that every long-lived part of a program has, and the runner that starts them in order and stops them in reverse.

/** Something that a program starts and stops. Constructors do no I/O. */
export interface Component {
  readonly name: string;
  /** Resolves when the component serves; `signal` aborts when the program is stopping. */
  start(signal: AbortSignal): Promise<void>;
  /** Resolves when nothing of the component is left running. */
  stop(): Promise<void>;
}

/** Starts `components` in order; when one fails, those already started are stopped in reverse and the failure is thrown. */
export async function startComponents(components: readonly Component[], signal: AbortSignal): Promise<void> {
  const started: Component[] = [];
  for (const component of components) {
    try {
      await component.start(signal);
    } catch (cause) {
      await stopComponents(started);
      throw new Error(`component ${component.name} did not start`, { cause });
    }
    started.push(component);
  }
}

/** Stops `components` in reverse order; every one is stopped even when one fails, and the failures are thrown together. */
export async function stopComponents(components: readonly Component[]): Promise<void> {
  const failures: unknown[] = [];
  for (const component of [...components].reverse()) {
    try {
      await component.stop();
    } catch (cause) {
      failures.push(new Error(`component ${component.name} did not stop`, { cause }));
    }
  }
  if (failures.length > 0) throw new AggregateError(failures, 'components did not stop');
}
