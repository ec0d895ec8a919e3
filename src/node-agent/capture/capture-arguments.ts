// The command line of the init container: Istio's `istio-iptables` with its flags and the environment variables that it reads.
import { err, errorIssue, ok, type Issue, type Result } from '../../shared/lib/index.ts';
import { defaultCaptureOptions, validateCaptureOptions, type CaptureOptions } from './capture-options.ts';

/** What the command does besides describing the capture. */
export interface CaptureCommand {
  readonly options: CaptureOptions;
  /** Every query is captured, not only those to the pod's own name servers. */
  readonly captureAllDns: boolean;
  /** Print the rules, change nothing. */
  readonly dryRun: boolean;
  readonly skipRuleApply: boolean;
  /** Take our rules away, put none. */
  readonly cleanupOnly: boolean;
  /** Try with a real connection whether the namespace is captured. */
  readonly validate: boolean;
  readonly probePort: number;
  readonly probeTimeoutMilliseconds: number;
  /** Path of the network namespace; absent is our own. */
  readonly networkNamespace?: string | undefined;
  /** Which packet filter's tools: chosen by looking when absent. */
  readonly backend?: 'nft' | 'legacy' | undefined;
  /** IPv6 too, even when the pod has no IPv6 address yet. */
  readonly dualStack: boolean;
}

type Setter = (command: CaptureCommand, value: string) => CaptureCommand;
const option = (key: keyof CaptureOptions, read: (value: string) => unknown = (value) => value): Setter =>
  (command, value) => ({ ...command, options: { ...command.options, [key]: read(value) } });
const field = (key: keyof CaptureCommand, read: (value: string) => unknown = (value) => value): Setter => (command, value) => ({ ...command, [key]: read(value) });
const ignored: Setter = (command) => command;

const valued: Readonly<Record<string, Setter>> = {
  '-p': option('outboundPort', Number), '--envoy-port': option('outboundPort', Number),
  '-z': option('inboundPort', Number), '--inbound-capture-port': option('inboundPort', Number),
  '-e': option('tunnelPort', Number), '--inbound-tunnel-port': option('tunnelPort', Number),
  '-u': option('proxyUid'), '--proxy-uid': option('proxyUid'),
  '-g': option('proxyGid'), '--proxy-gid': option('proxyGid'),
  '-m': option('mode'), '--istio-inbound-interception-mode': option('mode'),
  '-i': option('includeOutboundRanges', splitList), '--istio-service-cidr': option('includeOutboundRanges', splitList),
  '-x': option('excludeOutboundRanges', splitList), '--istio-service-exclude-cidr': option('excludeOutboundRanges', splitList),
  '-b': option('includeInboundPorts', splitList), '--istio-inbound-ports': option('includeInboundPorts', splitList),
  '-d': option('excludeInboundPorts', splitList), '--istio-local-exclude-ports': option('excludeInboundPorts', splitList),
  '-q': option('includeOutboundPorts', splitList), '--istio-outbound-ports': option('includeOutboundPorts', splitList),
  '-o': option('excludeOutboundPorts', splitList), '--istio-local-outbound-ports-exclude': option('excludeOutboundPorts', splitList),
  '-c': option('excludeInterfaces', splitList), '--istio-exclude-interfaces': option('excludeInterfaces', splitList),
  '-k': option('virtualInterfaces', splitList), '--kube-virt-interfaces': option('virtualInterfaces', splitList), '--istio-reroute-virtual-interfaces': option('virtualInterfaces', splitList),
  '-t': option('transparentMark', Number), '--istio-inbound-tproxy-mark': option('transparentMark', Number),
  '-r': option('transparentRouteTable', Number), '--istio-inbound-tproxy-route-table': option('transparentRouteTable', Number),
  '--iptables-probe-port': field('probePort', Number),
  '--probe-timeout': field('probeTimeoutMilliseconds', seconds),
  '--network-namespace': field('networkNamespace'),
  '--force-iptables-binary': field('backend', backendOf),
};

// Flags that stand alone; `--flag=false` turns one off again.
const switches: Readonly<Record<string, Setter>> = {
  '--redirect-dns': option('redirectDns', isTrue),
  '--capture-all-dns': field('captureAllDns', isTrue),
  '--drop-invalid': option('dropInvalid', isTrue),
  '--dual-stack': field('dualStack', isTrue),
  '--dry-run': field('dryRun', isTrue), '-n': field('dryRun', isTrue),
  '--skip-rule-apply': field('skipRuleApply', isTrue),
  '--run-validation': field('validate', isTrue),
  '--cleanup-only': field('cleanupOnly', isTrue),
  // Rules are always compared and replaced when they differ, in one step, and the program knows whose namespace it is in.
  '--reconcile': ignored, '--force-apply': ignored, '--cni-mode': ignored,
};

const initial: CaptureCommand = {
  options: defaultCaptureOptions, captureAllDns: false, dryRun: false, skipRuleApply: false, cleanupOnly: false, validate: false, probePort: 15002, probeTimeoutMilliseconds: 5_000, dualStack: false,
};

/** Parses the arguments after `istio-iptables`: `flag value` pairs, or `--flag=value`; the environment says what has no flag. */
export function parseCaptureArguments(args: readonly string[], environment: Readonly<Record<string, string | undefined>> = {}): Result<CaptureCommand, Issue[]> {
  let command = fromEnvironment(environment);
  for (let index = 0; index < args.length; index += 1) {
    const argument = args[index] ?? '';
    const equals = argument.startsWith('--') ? argument.indexOf('=') : -1;
    const name = equals < 0 ? argument : argument.slice(0, equals);
    const single = switches[name];
    const setter = single ?? valued[name];
    if (!setter) return err([errorIssue('MESH_CAPTURE_ARGUMENT', name, name.startsWith('--native-nftables') ? 'rules in nftables\' own form are not written; leave it out, iptables-nft writes to the same tables' : 'this argument is not known')]);
    if (equals >= 0) command = setter(command, argument.slice(equals + 1));
    else if (single) command = setter(command, 'true');
    else command = setter(command, args[++index] ?? '');
  }
  const checked = validateCommand(command);
  return checked.ok ? ok({ ...command, options: checked.value }) : checked;
}

function fromEnvironment(environment: Readonly<Record<string, string | undefined>>): CaptureCommand {
  const groups = environment['ISTIO_OUTBOUND_OWNER_GROUPS'];
  const excluded = environment['ISTIO_OUTBOUND_OWNER_GROUPS_EXCLUDE'];
  return {
    ...initial,
    options: {
      ...initial.options,
      redirectDns: isTrue(environment['ISTIO_META_DNS_CAPTURE'] ?? ''),
      dropInvalid: isTrue(environment['INVALID_DROP'] ?? ''),
      includeOutboundGroups: groups === undefined || groups === '' ? initial.options.includeOutboundGroups : splitList(groups),
      excludeOutboundGroups: splitList(excluded ?? ''),
    },
  };
}

function validateCommand(command: CaptureCommand): Result<CaptureOptions, Issue[]> {
  const checked = validateCaptureOptions(command.options);
  if (!checked.ok) return checked;
  if (!(command.probePort >= 1 && command.probePort <= 65_535)) return err([errorIssue('MESH_CAPTURE_VALUE', '--iptables-probe-port', 'must be a port')]);
  if (!(command.probeTimeoutMilliseconds > 0)) return err([errorIssue('MESH_CAPTURE_VALUE', '--probe-timeout', 'must be a time such as 5s')]);
  return checked;
}

/** Items of a comma-separated list. */
export function splitList(text: string): string[] {
  return text.split(',').map((item) => item.trim()).filter((item) => item !== '');
}

function isTrue(text: string): boolean {
  return text === 'true' || text === '1';
}

function seconds(text: string): number {
  const match = /^(\d+)(ms|s)?$/.exec(text);
  return match ? Number(match[1]) * (match[2] === 'ms' ? 1 : 1_000) : Number.NaN;
}

function backendOf(text: string): CaptureCommand['backend'] {
  if (text === '') return undefined;
  return text.includes('legacy') ? 'legacy' : 'nft';
}
