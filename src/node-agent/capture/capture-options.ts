// What to capture of a pod's traffic, from the command line of the init container (`istio-iptables ...`) or from the pod's annotations.
import { err, errorIssue, ok, type Issue, type Result } from '../../shared/lib/index.ts';

/** What is captured and what is left alone. */
export interface CaptureOptions {
  readonly outboundPort: number;
  readonly inboundPort: number;
  readonly proxyUid: string;
  readonly proxyGid: string;
  readonly mode: 'REDIRECT' | 'TPROXY';
  /** `*`, or CIDR ranges. */
  readonly includeOutboundRanges: readonly string[];
  readonly excludeOutboundRanges: readonly string[];
  /** `*`, or ports; none captures nothing inbound. */
  readonly includeInboundPorts: readonly string[];
  readonly excludeInboundPorts: readonly string[];
  readonly includeOutboundPorts: readonly string[];
  readonly excludeOutboundPorts: readonly string[];
  readonly excludeInterfaces: readonly string[];
  readonly redirectDns: boolean;
}

/** Options of a pod about which nothing special is said. */
export const defaultCaptureOptions: CaptureOptions = {
  outboundPort: 15001, inboundPort: 15006, proxyUid: '1337', proxyGid: '1337', mode: 'REDIRECT',
  includeOutboundRanges: ['*'], excludeOutboundRanges: [], includeInboundPorts: ['*'], excludeInboundPorts: ['15090', '15021', '15020'],
  includeOutboundPorts: [], excludeOutboundPorts: [], excludeInterfaces: [], redirectDns: false,
};

type Setter = (options: CaptureOptions, value: string) => CaptureOptions;
const set = (key: keyof CaptureOptions): Setter => (options, value) => ({ ...options, [key]: value });
const port = (key: keyof CaptureOptions): Setter => (options, value) => ({ ...options, [key]: Number(value) });
const list = (key: keyof CaptureOptions): Setter => (options, value) => ({ ...options, [key]: splitList(value) });

const flags: Readonly<Record<string, Setter>> = {
  '-p': port('outboundPort'), '--envoy-port': port('outboundPort'),
  '-z': port('inboundPort'), '--inbound-capture-port': port('inboundPort'),
  '-u': set('proxyUid'), '--proxy-uid': set('proxyUid'),
  '-g': set('proxyGid'), '--proxy-gid': set('proxyGid'),
  '-m': set('mode'), '--istio-inbound-interception-mode': set('mode'),
  '-i': list('includeOutboundRanges'), '--istio-service-cidr': list('includeOutboundRanges'),
  '-x': list('excludeOutboundRanges'), '--istio-service-exclude-cidr': list('excludeOutboundRanges'),
  '-b': list('includeInboundPorts'), '--istio-inbound-ports': list('includeInboundPorts'),
  '-d': list('excludeInboundPorts'), '--istio-local-exclude-ports': list('excludeInboundPorts'),
  '-q': list('includeOutboundPorts'), '--istio-outbound-ports': list('includeOutboundPorts'),
  '-o': list('excludeOutboundPorts'), '--istio-local-outbound-ports-exclude': list('excludeOutboundPorts'),
  '-c': list('excludeInterfaces'), '--istio-exclude-interfaces': list('excludeInterfaces'),
};

/** Parses the arguments after `istio-iptables`: `flag value` pairs, or `--flag=value`. */
export function parseCaptureArguments(args: readonly string[]): Result<CaptureOptions, Issue[]> {
  let options = defaultCaptureOptions;
  for (let index = 0; index < args.length; index += 1) {
    const argument = args[index] ?? '';
    if (argument === '--redirect-dns') {
      options = { ...options, redirectDns: true };
      continue;
    }
    const equals = argument.startsWith('--') ? argument.indexOf('=') : -1;
    const name = equals < 0 ? argument : argument.slice(0, equals);
    const setter = flags[name];
    if (!setter) return err([errorIssue('MESH_CAPTURE_ARGUMENT', name, 'this argument is not known')]);
    if (equals < 0) index += 1;
    options = setter(options, equals < 0 ? args[index] ?? '' : argument.slice(equals + 1));
  }
  return validateCaptureOptions(options);
}

/** Options for a pod from its annotations; undefined when the pod has no sidecar or wants no capture. */
export function captureOptionsOfPod(annotations: Readonly<Record<string, string>>): Result<CaptureOptions, Issue[]> | undefined {
  const mode = annotations['sidecar.istio.io/interceptionMode'] ?? 'REDIRECT';
  if (annotations['sidecar.istio.io/status'] === undefined || mode === 'NONE') return undefined;
  const of = (name: string): string | undefined => annotations[`traffic.sidecar.istio.io/${name}`];
  const or = (text: string | undefined, fallback: readonly string[]): readonly string[] => (text === undefined ? fallback : splitList(text));
  const base = defaultCaptureOptions;
  return validateCaptureOptions({
    ...base,
    mode: mode as CaptureOptions['mode'],
    includeOutboundRanges: or(of('includeOutboundIPRanges'), base.includeOutboundRanges),
    excludeOutboundRanges: or(of('excludeOutboundIPRanges'), []),
    includeInboundPorts: or(of('includeInboundPorts'), base.includeInboundPorts),
    excludeInboundPorts: [...base.excludeInboundPorts, ...or(of('excludeInboundPorts'), [])],
    includeOutboundPorts: or(of('includeOutboundPorts'), []),
    excludeOutboundPorts: or(of('excludeOutboundPorts'), []),
    excludeInterfaces: or(of('excludeInterfaces'), []),
  });
}

/** Nothing but ports, ranges, names and numbers may reach a rule. */
function validateCaptureOptions(options: CaptureOptions): Result<CaptureOptions, Issue[]> {
  const issues: Issue[] = [];
  const check = (path: string, values: readonly string[], isValid: (value: string) => boolean, what: string): void => {
    for (const value of values) if (!isValid(value)) issues.push(errorIssue('MESH_CAPTURE_VALUE', path, `'${value}' is not ${what}`));
  };
  const isPort = (value: string): boolean => /^\d{1,5}$/.test(value) && Number(value) >= 1 && Number(value) <= 65_535;
  const isRange = (value: string): boolean => /^(\d{1,3}(\.\d{1,3}){3}(\/\d{1,2})?|[0-9a-fA-F:]*:[0-9a-fA-F:]*(\/\d{1,3})?)$/.test(value);
  check('ports', [String(options.outboundPort), String(options.inboundPort)], isPort, 'a port');
  check('inbound ports', options.includeInboundPorts, (value) => value === '*' || isPort(value), 'a port or *');
  check('excluded ports', [...options.excludeInboundPorts, ...options.includeOutboundPorts, ...options.excludeOutboundPorts], isPort, 'a port');
  check('included ranges', options.includeOutboundRanges, (value) => value === '*' || isRange(value), 'a CIDR range or *');
  check('excluded ranges', options.excludeOutboundRanges, isRange, 'a CIDR range');
  check('interfaces', options.excludeInterfaces, (value) => /^[A-Za-z0-9_.+-]{1,15}$/.test(value), 'the name of an interface');
  check('owner', [...options.proxyUid.split(','), ...options.proxyGid.split(',')], (value) => /^\d+$/.test(value), 'a numeric id');
  check('mode', [options.mode], (value) => value === 'REDIRECT' || value === 'TPROXY', 'REDIRECT or TPROXY');
  return issues.length > 0 ? err(issues) : ok(options);
}

function splitList(text: string): string[] {
  return text.split(',').map((item) => item.trim()).filter((item) => item !== '');
}
