// How the sandbox's own controllers and node reach the API server in its process. Every call runs the whole request
// pipeline (admission, validation, defaulting, finalizers), as user `system:kube-controller-manager` or the one given.
import type { KubeMeta, KubeObject } from '../store/index.ts';

/** A resource by group and lower-case plural, for example `{ group: 'apps', resource: 'deployments' }`. */
export interface ResourceName {
  readonly group: string;
  readonly resource: string;
}

/** An object as the API server stores it. */
export type StoredObject = KubeObject;

/** Metadata of a stored object. */
export type StoredMeta = KubeMeta;

/** One change, in resourceVersion order. */
export interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: StoredObject;
}

/** A failed call: the Kubernetes Status it would have been over HTTP. */
export class ApiStatusError extends Error {
  readonly code: number;
  readonly reason: string;
  readonly details: unknown;

  constructor(code: number, reason: string, message: string, details?: unknown) {
    super(message);
    this.name = 'ApiStatusError';
    this.code = code;
    this.reason = reason;
    this.details = details;
  }
}

/** The in-process client. Objects that it returns are frozen copies: change a clone. */
export interface InternalClient {
  get(resource: ResourceName, namespace: string | undefined, name: string): Promise<StoredObject | undefined>;
  list(resource: ResourceName, options?: { namespace?: string; labelSelector?: string; fieldSelector?: string }): Promise<StoredObject[]>;
  create(resource: ResourceName, object: object): Promise<StoredObject>;
  /** Replaces the object; a `metadata.resourceVersion` in it is a precondition (409 Conflict). */
  update(resource: ResourceName, object: object, subresource?: string): Promise<StoredObject>;
  /** JSON merge patch. */
  patch(resource: ResourceName, namespace: string | undefined, name: string, patch: object, subresource?: string): Promise<StoredObject>;
  delete(resource: ResourceName, namespace: string | undefined, name: string,
    options?: { gracePeriodSeconds?: number; propagationPolicy?: 'Background' | 'Foreground' | 'Orphan'; uid?: string; resourceVersion?: string }): Promise<void>;
  /** Replays what there is as ADDED, then every change, in order; returns the way to stop. */
  watch(resource: ResourceName, handler: (event: WatchEvent) => void): () => void;
}

/** What the API server asks of the node for pods' log, exec, attach and port-forward subresources. */
export interface PodStreams {
  /** Log bytes; ends when the container has, unless `follow` and it is restarted meanwhile. */
  logs(namespace: string, pod: string, options: { container?: string; follow: boolean; previous: boolean; tailLines?: number; timestamps: boolean; sinceSeconds?: number; limitBytes?: number }, signal: AbortSignal): AsyncIterable<Uint8Array>;
  exec(namespace: string, pod: string, options: { container?: string; command: readonly string[]; stdin: boolean; tty: boolean }): Promise<ExecStreams>;
  portForward(namespace: string, pod: string, port: number): Promise<import('node:stream').Duplex>;
}

/** The streams of one exec; `exit` resolves with the exit status. */
export interface ExecStreams {
  readonly stdin: import('node:stream').Writable | undefined;
  readonly stdout: import('node:stream').Readable;
  readonly stderr: import('node:stream').Readable;
  readonly exit: Promise<number>;
  kill(): void;
}
