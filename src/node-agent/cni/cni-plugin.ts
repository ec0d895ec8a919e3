// The CNI plugin (CNI specification 1.1): chained after the cluster's own plugin, it has the node agent capture the traffic of pods that have a sidecar.
// The container runtime passes the pod's annotations, so a pod without a sidecar needs nobody. It starts once a pod: it must start fast.
import { isCapturedBy, type Annotations } from '../capture/index.ts';
import { askAgent } from './agent-client.ts';
import { SOCKET_ROOT, type CaptureRequest } from './agent-protocol.ts';

/** Capability by which the runtime passes annotations. */
export const ANNOTATIONS_CAPABILITY = 'io.kubernetes.cri.pod-annotations';
const VERSIONS = ['0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'];

/** What the runtime sends on standard input. */
interface NetworkConfiguration {
  readonly cniVersion?: string;
  /** Name of the plugin, which says which version of the mesh it belongs to. */
  readonly type?: string;
  readonly socketDirectory?: string;
  /** Namespaces whose pods start even when nobody can say whether they have a sidecar: without the agent's own the node could never recover. */
  readonly excludeNamespaces?: readonly string[];
  readonly prevResult?: object;
  readonly runtimeConfig?: Readonly<Record<string, Annotations | undefined>>;
}

/** What the plugin prints, and its exit status. */
export interface CniAnswer {
  readonly output: object;
  readonly status: number;
}

/** Has an agent capture a pod. */
export type AskAgent = (directory: string, request: CaptureRequest) => Promise<string>;

/** Runs one command of the protocol. */
export async function runCniPlugin(environment: Readonly<Record<string, string | undefined>>, input: string, ask: AskAgent = askAgent): Promise<CniAnswer> {
  const command = environment['CNI_COMMAND'];
  if (command === 'VERSION') return { output: { cniVersion: '1.1.0', supportedVersions: VERSIONS }, status: 0 };
  let configuration: NetworkConfiguration;
  try {
    configuration = JSON.parse(input) as NetworkConfiguration;
  } catch (error) {
    return failure('1.0.0', 6, `the configuration is not JSON: ${(error as Error).message}`);
  }
  const version = configuration.cniVersion ?? '1.0.0';
  // The rules go with the pod's namespace. STATUS tells nothing of the agent: a node whose agent restarts still runs pods without a sidecar.
  if (command === 'DEL' || command === 'CHECK' || command === 'GC' || command === 'STATUS') return { output: {}, status: 0 };
  if (command !== 'ADD') return failure(version, 4, `CNI_COMMAND is ${command ?? 'not set'}; ADD, DEL, CHECK, GC, STATUS and VERSION are known`);
  return add(version, environment, configuration, ask);
}

async function add(version: string, environment: Readonly<Record<string, string | undefined>>, configuration: NetworkConfiguration, ask: AskAgent): Promise<CniAnswer> {
  const done: CniAnswer = { output: configuration.prevResult ?? { cniVersion: version }, status: 0 };
  const plugin = configuration.type ?? '';
  const annotations = configuration.runtimeConfig?.[ANNOTATIONS_CAPABILITY];
  const pod = podOf(environment['CNI_ARGS'] ?? '');
  if (annotations ? !isCapturedBy(plugin, annotations) : configuration.excludeNamespaces?.includes(pod.namespace)) return done;
  const networkNamespace = environment['CNI_NETNS'];
  if (!networkNamespace) return failure(version, 4, 'CNI_NETNS is not set');
  try {
    await ask(configuration.socketDirectory ?? `${SOCKET_ROOT}/${plugin}`, { networkNamespace, ...pod, annotations });
  } catch (error) {
    return failure(version, 11, (error as Error).message); // 11: try again later
  }
  return done;
}

// CNI_ARGS: `K8S_POD_NAMESPACE=ns;K8S_POD_NAME=name;...`
function podOf(text: string): { namespace: string; name: string } {
  const values = new Map(text.split(';').map((item) => [item.slice(0, item.indexOf('=')), item.slice(item.indexOf('=') + 1)]));
  return { namespace: values.get('K8S_POD_NAMESPACE') ?? '', name: values.get('K8S_POD_NAME') ?? '' };
}

function failure(cniVersion: string, code: number, msg: string): CniAnswer {
  return { output: { cniVersion, code, msg }, status: 1 };
}
