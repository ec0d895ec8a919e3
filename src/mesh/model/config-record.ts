// A parsed object together with what every use of it needs: who it is and how old.

/** A parsed object and its origin. */
export interface ConfigRecord<T> {
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Milliseconds since 1970; the oldest wins conflicts. */
  readonly createdAt: number;
  readonly spec: T;
  /** `kind/namespace/name`, for logs and `explain`. */
  readonly source: string;
}
