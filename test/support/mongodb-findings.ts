// What comes of the program in mongodb-client.ts, for tests that start it.

/** What an application sees of a database through its driver. */
export interface Findings {
  /** Why the driver gave up; the rest is absent then. */
  readonly failure?: string;
  /** How many documents a cursor gave of those that were inserted, and how often it asked for more. */
  readonly documents?: number;
  readonly getMores?: number;
  /** Whether an answer of some megabytes came as it was sent. */
  readonly largeDocument?: boolean;
  /** What the server says of a second document with the same key. */
  readonly duplicateKey?: number;
  /** How many pooled connections served requests made at the same time. */
  readonly pooledConnections?: number;
  /** Whether the connections that monitor the server were answered, again and again. */
  readonly monitored?: boolean;
}

/** What of a database that works. */
export const WHOLE: Findings = { documents: 1000, getMores: 10, largeDocument: true, duplicateKey: 11_000, pooledConnections: 4, monitored: true };
