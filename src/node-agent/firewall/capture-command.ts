// The init container's command `istio-iptables`: captures the network namespace that it runs in, or only tries whether it is captured.
import { readFile } from 'node:fs/promises';
import { parseCaptureArguments, planCapture, restoreText, type CaptureCommand, type CaptureOptions } from '../capture/index.ts';
import { formatIssue } from '../../shared/lib/index.ts';
import { addressFamilies } from './address-families.ts';
import { applyCapture, removeCapture } from './apply-capture.ts';
import { PROBE_ADDRESS, probeCapture } from './probe-capture.ts';
import { programRunner } from './run-program.ts';

/** What the command says, and its exit status. */
export interface CommandOutcome {
  readonly status: number;
  readonly output: string;
}

/** Exit status by which Istio's repair controller, and ours, knows a pod that is not captured. */
export const NOT_CAPTURED_STATUS = 126;

/** Runs the command; the status is 0, 126 for a namespace that is not captured, or 1. */
export async function runCaptureCommand(args: readonly string[], environment: Readonly<Record<string, string | undefined>>): Promise<CommandOutcome> {
  const parsed = parseCaptureArguments(args, environment);
  if (!parsed.ok) return { status: 1, output: parsed.error.map(formatIssue).join('\n') };
  const command = parsed.value;
  const lines: string[] = [];
  if (!command.skipRuleApply) lines.push(...await changeRules(command));
  if (!command.validate || command.dryRun || command.cleanupOnly) return { status: 0, output: lines.join('\n') };
  try {
    await probeCapture({ inboundPort: command.options.inboundPort, probePort: command.probePort, timeoutMilliseconds: command.probeTimeoutMilliseconds, address: PROBE_ADDRESS });
  } catch (error) {
    return { status: NOT_CAPTURED_STATUS, output: [...lines, (error as Error).message].join('\n') };
  }
  return { status: 0, output: [...lines, 'traffic is captured'].join('\n') };
}

async function changeRules(command: CaptureCommand): Promise<string[]> {
  const run = programRunner(command.networkNamespace);
  const families = await addressFamilies(run, command.dualStack);
  const options = await withNameServers(command);
  if (command.dryRun) return families.map((family) => `# ${family}\n${restoreText(planCapture(options, family))}`);
  if (command.cleanupOnly) {
    await removeCapture(options, { families: ['IPv4', 'IPv6'], run });
    return ['the rules of capture are removed'];
  }
  const applied = await applyCapture(options, { families, run, backend: command.backend });
  return applied.map(({ family, backend, outcome }) => `${family}: rules ${outcome} (${backend})`);
}

// The pod's own name servers, unless every query is to be captured.
async function withNameServers({ options, captureAllDns }: CaptureCommand): Promise<CaptureOptions> {
  if (!options.redirectDns || captureAllDns) return options;
  const text = await readFile('/etc/resolv.conf', 'utf8').catch(() => '');
  const servers = [...text.matchAll(/^\s*nameserver\s+([0-9a-fA-F.:]+)\s*$/gm)].map((match) => match[1] ?? '');
  return servers.length > 0 ? { ...options, dnsServers: servers } : options;
}
