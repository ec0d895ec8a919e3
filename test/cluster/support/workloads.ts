// Pods and services that most tests of the ring want: a client with a shell and curl, and a server that tells what it was asked.

/** The image with a shell, curl, tcpdump and the packet filter's tools. */
export const TEST_TOOLS_IMAGE = 'docker.io/mizzen/test-tools:v1';

/** The image of httpbin, which listens on port 8080. */
export const HTTPBIN_IMAGE = 'docker.io/mizzen/httpbin:v1';

/** What of a pod differs between tests. */
export interface PodOptions {
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly nodeName?: string;
  readonly serviceAccountName?: string;
  /** Whether the mesh's injector is asked for a sidecar. */
  readonly sidecar?: boolean;
}

/** A pod that waits to be asked to run commands. */
export function clientPod(name: string, options: PodOptions = {}): object {
  return pod(name, options, {
    name: 'client', image: TEST_TOOLS_IMAGE, imagePullPolicy: 'Never', command: ['sleep', '1000000'], securityContext: { runAsUser: 1000, runAsGroup: 1000 },
  });
}

/** A pod of httpbin. */
export function httpbinPod(name: string, options: PodOptions = {}): object {
  return pod(name, options, {
    name: 'httpbin', image: HTTPBIN_IMAGE, imagePullPolicy: 'Never', ports: [{ containerPort: 8080 }], readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 },
  });
}

/** A service in front of the pods that are labelled `app: <name>`. */
export function service(name: string, ports: readonly { readonly name: string; readonly port: number; readonly targetPort?: number; readonly nodePort?: number }[], spec: object = {}): object {
  return { apiVersion: 'v1', kind: 'Service', metadata: { name, labels: { app: name } }, spec: { selector: { app: name }, ports, ...spec } };
}

function pod(name: string, options: PodOptions, container: object): object {
  const labels = { app: name, ...(options.sidecar === undefined ? {} : { 'sidecar.istio.io/inject': String(options.sidecar) }), ...options.labels };
  return {
    apiVersion: 'v1', kind: 'Pod', metadata: { name, labels, ...(options.annotations === undefined ? {} : { annotations: options.annotations }) },
    spec: {
      terminationGracePeriodSeconds: 1, containers: [container],
      ...(options.nodeName === undefined ? {} : { nodeName: options.nodeName }),
      ...(options.serviceAccountName === undefined ? {} : { serviceAccountName: options.serviceAccountName }),
    },
  };
}
