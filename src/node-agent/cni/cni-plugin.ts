// The CNI plugin (CNI specification 1.0): chained after the cluster's own plugin, it captures the traffic of pods that have a sidecar.
// The container runtime passes the pod's annotations, so that the plugin asks nobody: it must start fast.
import { captureOptionsOfPod, planCapture } from '../capture/index.ts';
import { applyCapture, programRunner, type RunProgram } from '../firewall/index.ts';
import { describeError, formatIssue } from '../../shared/lib/index.ts';

/** Capability by which the runtime passes annotations. */
export const ANNOTATIONS_CAPABILITY = 'io.kubernetes.cri.pod-annotations';
const VERSIONS = ['0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'];

/** What the runtime sends on standard input. */
interface NetworkConfiguration {
  readonly cniVersion?: string;
  readonly prevResult?: object;
  readonly runtimeConfig?: Readonly<Record<string, Readonly<Record<string, string>> | undefined>>;
}

/** What the plugin prints, and its exit status. */
export interface CniAnswer {
  readonly output: object;
  readonly status: number;
}

/** Runs one command of the protocol. */
export async function runCniPlugin(environment: Readonly<Record<string, string | undefined>>, input: string, runnerFor: (netns: string) => RunProgram = programRunner): Promise<CniAnswer> {
  const command = environment['CNI_COMMAND'];
  if (command === 'VERSION') return { output: { cniVersion: '1.0.0', supportedVersions: VERSIONS }, status: 0 };
  let configuration: NetworkConfiguration;
  try {
    configuration = JSON.parse(input) as NetworkConfiguration;
  } catch (error) {
    return failure('1.0.0', 6, `the configuration is not JSON: ${(error as Error).message}`);
  }
  const version = configuration.cniVersion ?? '1.0.0';
  if (command === 'DEL' || command === 'CHECK' || command === 'GC' || command === 'STATUS') return { output: {}, status: 0 };
  if (command !== 'ADD') return failure(version, 4, `CNI_COMMAND is ${command ?? 'not set'}; ADD, DEL, CHECK and VERSION are known`);
  return add(version, environment['CNI_NETNS'], configuration, runnerFor);
}

async function add(version: string, netns: string | undefined, configuration: NetworkConfiguration, runnerFor: (netns: string) => RunProgram): Promise<CniAnswer> {
  const result = configuration.prevResult ?? { cniVersion: version };
  const options = captureOptionsOfPod(configuration.runtimeConfig?.[ANNOTATIONS_CAPABILITY] ?? {});
  if (!options) return { output: result, status: 0 };
  if (!options.ok) return failure(version, 100, options.error.map(formatIssue).join('; '));
  if (!netns) return failure(version, 4, 'CNI_NETNS is not set');
  try {
    await applyCapture(planCapture(options.value), runnerFor(netns));
  } catch (error) {
    return failure(version, 101, describeError(error));
  }
  return { output: result, status: 0 };
}

function failure(cniVersion: string, code: number, msg: string): CniAnswer {
  return { output: { cniVersion, code, msg }, status: 1 };
}
