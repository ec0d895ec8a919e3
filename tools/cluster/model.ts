// What a test or a command sees of a real cluster: how to ask for one, and what it can do with it.

/** Kubernetes minors that the tools can build. */
export type KubernetesMinor = '1.35' | '1.36';

/** A process of the control plane that can be restarted. */
export type ControlPlaneComponent = 'etcd' | 'kube-apiserver' | 'kube-controller-manager' | 'kube-scheduler';

/** A process of a node that can be restarted. */
export type NodeComponent = 'containerd' | 'kubelet' | 'kube-proxy';

/** What a cluster is to be. */
export interface ClusterOptions {
  /** Tells clusters on one machine apart: lower-case letters, digits and dashes, at most 30. */
  readonly name: string;
  readonly kubernetes?: KubernetesMinor;
  /** `apiserver`: etcd and kube-apiserver on loopback, unprivileged. `node` (the default): whole nodes, which needs root. */
  readonly scope?: 'apiserver' | 'node';
  readonly nodes?: number;
  /** Image archives that every node gets before it is ready. */
  readonly images?: readonly string[];
  readonly proxyMode?: 'iptables' | 'nftables';
  readonly ipFamily?: 'ipv4' | 'dual';
  /** Whether missing Debian packages may be installed; the default is whether CI=true. */
  readonly installPackages?: boolean;
  /** Whether the cluster is removed when this process ends, however it ends; otherwise it runs on until it is stopped. */
  readonly endsWithStarter?: boolean;
  /** Gets a line for each step, in time. */
  readonly progress?: (line: string) => void;
  /** Gives the start up, and removes what it has made. */
  readonly signal?: AbortSignal;
}

/** A node of a cluster. */
export interface ClusterNode {
  readonly name: string;
  /** The node's address, which the host and the other nodes reach. */
  readonly address: string;
  /** Loads image archives (OCI or Docker) into the node's containerd. */
  importImages(archives: readonly string[]): Promise<void>;
  /** Runs a program in the node's namespaces; throws unless it succeeds. Gives its standard output. */
  run(command: readonly string[], options?: { readonly input?: string; readonly timeoutMilliseconds?: number }): Promise<string>;
  restart(component: NodeComponent): Promise<void>;
}

/** How a process of the cluster is. */
export interface ComponentHealth {
  /** Empty for an API server alone. */
  readonly node: string;
  readonly name: string;
  readonly running: boolean;
  /** How often it ended by itself and was started again, and how it ended the last time. */
  readonly unexpectedEnds: number;
  readonly lastEnd: string;
}

/** A running cluster. */
export interface RealCluster {
  readonly name: string;
  /** Where its state lies: logs, certificates, kubeconfigs. */
  readonly folder: string;
  /** The administrator's kubeconfig file, which works from the host. */
  readonly kubeconfig: string;
  /** The kubectl of the cluster's own version. */
  readonly kubectl: string;
  readonly apiServerUrl: string;
  readonly ipFamily: 'ipv4' | 'dual';
  /** The host's address as the nodes and pods see it; undefined for an API server alone. */
  readonly hostAddress: string | undefined;
  readonly nodes: readonly ClusterNode[];
  /** The certificate authority of the cluster, for those who sign with it. */
  readonly authority: { readonly certificateFile: string; readonly keyFile: string };
  /** Restarts a process of the control plane, or on every node one of the nodes'; resolves when it works again. */
  restart(component: ControlPlaneComponent | NodeComponent): Promise<void>;
  /** How the processes of the cluster are. */
  components(): Promise<readonly ComponentHealth[]>;
  /** Lets the nodes pull from a registry that speaks plain HTTP, as `10.123.0.254:5000`. */
  allowPlainRegistry(address: string): Promise<void>;
  /** Lets the nodes pull the images of `registry` (as `docker.io`) from a registry that speaks plain HTTP. */
  mirrorRegistry(registry: string, address: string): Promise<void>;
  stop(): Promise<void>;
}
