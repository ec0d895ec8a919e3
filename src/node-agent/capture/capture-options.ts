// What to capture of a pod's traffic, as checked data. Made from the command line of the init container (capture-arguments.ts) or from a pod's annotations (pod-annotations.ts).
import { err, errorIssue, ok, type Issue, type Result } from '../../shared/lib/index.ts';

/** What is captured and what is left alone. */
export interface CaptureOptions {
  readonly outboundPort: number;
  readonly inboundPort: number;
  /** Port of tunnelled inbound traffic, which the proxy listens on itself. */
  readonly tunnelPort: number;
  /** Comma-separated ids of the proxy's own processes. */
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
  /** Interfaces of virtual machines in the pod: what comes in through them is outbound traffic. */
  readonly virtualInterfaces: readonly string[];
  /** Groups whose outbound traffic alone is captured; `*` is everybody. */
  readonly includeOutboundGroups: readonly string[];
  readonly excludeOutboundGroups: readonly string[];
  readonly redirectDns: boolean;
  /** Name servers whose queries are captured; absent is all. */
  readonly dnsServers?: readonly string[] | undefined;
  readonly transparentMark: number;
  readonly transparentRouteTable: number;
  readonly dropInvalid: boolean;
}

/** Options of a pod about which nothing special is said. */
export const defaultCaptureOptions: CaptureOptions = {
  outboundPort: 15001, inboundPort: 15006, tunnelPort: 15008, proxyUid: '1337', proxyGid: '1337', mode: 'REDIRECT',
  includeOutboundRanges: ['*'], excludeOutboundRanges: [], includeInboundPorts: ['*'], excludeInboundPorts: ['15090', '15021', '15020'],
  includeOutboundPorts: [], excludeOutboundPorts: [], excludeInterfaces: [], virtualInterfaces: [], includeOutboundGroups: ['*'], excludeOutboundGroups: [],
  redirectDns: false, transparentMark: 1337, transparentRouteTable: 133, dropInvalid: false,
};

const isPort = (value: string): boolean => /^\d{1,5}$/.test(value) && Number(value) >= 1 && Number(value) <= 65_535;
const isId = (value: string): boolean => /^\d{1,10}$/.test(value) && Number(value) < 2 ** 32;
const isInterface = (value: string): boolean => /^[A-Za-z0-9_.+-]{1,15}$/.test(value) && !value.startsWith('-');
const isPositive = (value: string): boolean => isId(value) && Number(value) > 0;

/** Whether `value` is an IPv4 or IPv6 address, with a prefix length or without. */
export function isRange(value: string): boolean {
  const [address = '', prefix, ...rest] = value.split('/');
  if (rest.length > 0) return false;
  const bits = isIPv4(address) ? 32 : isIPv6(address) ? 128 : -1;
  return bits > 0 && (prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits));
}

function isIPv4(address: string): boolean {
  const parts = address.split('.');
  return parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
}

function isIPv6(address: string): boolean {
  if (!/^[0-9a-fA-F:.]+$/.test(address)) return false;
  const halves = address.split('::');
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')));
  const last = groups.at(-1);
  const embedded = last?.includes('.') === true;
  const plain = embedded ? groups.slice(0, -1) : groups;
  if (embedded && !isIPv4(last ?? '')) return false;
  if (!plain.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return false;
  const count = plain.length + (embedded ? 2 : 0);
  return halves.length === 2 ? count < 8 : count === 8;
}

/** Nothing but ports, ranges, names and numbers may reach a rule. */
export function validateCaptureOptions(options: CaptureOptions): Result<CaptureOptions, Issue[]> {
  const issues: Issue[] = [];
  const check = (path: string, values: readonly string[], isValid: (value: string) => boolean, what: string): void => {
    for (const value of values) if (!isValid(value)) issues.push(errorIssue('MESH_CAPTURE_VALUE', path, `'${value}' is not ${what}`));
  };
  const orAll = (isValid: (value: string) => boolean) => (value: string): boolean => value === '*' || isValid(value);
  check('ports', [options.outboundPort, options.inboundPort, options.tunnelPort].map(String), isPort, 'a port');
  check('inbound ports', options.includeInboundPorts, orAll(isPort), 'a port or *');
  check('excluded ports', [...options.excludeInboundPorts, ...options.excludeOutboundPorts], isPort, 'a port');
  check('outbound ports', options.includeOutboundPorts, orAll(isPort), 'a port or *');
  check('included ranges', options.includeOutboundRanges, orAll(isRange), 'a CIDR range or *');
  check('excluded ranges', options.excludeOutboundRanges, isRange, 'a CIDR range');
  check('name servers', options.dnsServers ?? [], (value) => isRange(value) && !value.includes('/'), 'an IP address');
  check('interfaces', [...options.excludeInterfaces, ...options.virtualInterfaces], isInterface, 'the name of an interface');
  check('owner', [...options.proxyUid.split(','), ...options.proxyGid.split(','), ...options.excludeOutboundGroups], isId, 'a numeric id');
  check('owner groups', options.includeOutboundGroups, orAll(isId), 'a numeric id or *');
  check('marks', [options.transparentMark, options.transparentRouteTable].map(String), isPositive, 'a positive number');
  check('mode', [options.mode], (value) => value === 'REDIRECT' || value === 'TPROXY', 'REDIRECT or TPROXY');
  return issues.length > 0 ? err(issues) : ok(options);
}
