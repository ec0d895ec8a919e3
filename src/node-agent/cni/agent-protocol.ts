// What the plugin and the node agent say to each other over a socket on the node: one line of JSON each way.
import type { Annotations } from '../capture/index.ts';

/** Where agents listen: a folder a plugin, in it a socket an agent, so that an old and a new one may serve at the same time. */
export const SOCKET_ROOT = '/var/run/mizzen-cni';

/** Asks for one pod's capture. */
export interface CaptureRequest {
  readonly networkNamespace: string;
  readonly namespace: string;
  readonly name: string;
  /** Absent when the runtime does not tell them: the agent then asks the API server. */
  readonly annotations?: Annotations | undefined;
}

/** The answer: an error is text for a person. */
export type CaptureReply = { readonly outcome: string } | { readonly error: string };

/** Longest line that is read. */
export const LINE_LIMIT = 1024 * 1024;
