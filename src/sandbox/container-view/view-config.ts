// What the node tells a container's process about its pod, in the environment variable MIZZEN_CONTAINER_VIEW.

/** The view of one container. */
export interface ContainerViewConfig {
  readonly podIp: string;
  /** The pod's own loopback address. */
  readonly loopback: string;
  /** Where a wildcard bind goes: the pod IP, or the loopback of a pod whose inbound traffic a sidecar takes. */
  readonly wildcard: string;
  /** Whether this container takes the pod's inbound traffic: what it serves on the pod IP is not the application's localhost. */
  readonly takesInbound?: boolean;
  readonly hostname: string;
  /** The name server, `address:port`. */
  readonly nameServer: string;
  readonly search: readonly string[];
  /** Names known without asking, as in a hosts file. */
  readonly hosts: Readonly<Record<string, string>>;
  /** The first two bytes of this sandbox's addresses, with a dot at the end. */
  readonly prefix: string;
  /** The first two bytes of the pods' own loopback addresses, with a dot at the end. */
  readonly loopbackPrefix: string;
  /** The node's address, at which the API server serves `port` for the service port 443. */
  readonly apiServer: { readonly address: string; readonly port: number };
  /** Path in the container and on the host, the longest path first. */
  readonly mounts: readonly (readonly [string, string])[];
  /** Folders of the host that stay what they are even below a mount path: where volumes lie, and the program itself. */
  readonly kept: readonly string[];
}

/** The environment variable that carries the configuration. */
export const VIEW_VARIABLE = 'MIZZEN_CONTAINER_VIEW';
