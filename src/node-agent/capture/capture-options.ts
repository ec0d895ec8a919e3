// What to capture of a pod's traffic, as checked data. Made from the command line of the init container (capture-arguments.ts) or from a pod's annotations (pod-annotations.ts).
import { err, errorIssue, isAddressRange, isInterfaceName, isPortText, ok, type Issue, type Result } from '../../shared/lib/index.ts';

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

const isId = (value: string): boolean => /^\d{1,10}$/.test(value) && Number(value) < 2 ** 32;
const isPositive = (value: string): boolean => isId(value) && Number(value) > 0;

/** Nothing but ports, ranges, names and numbers may reach a rule. */
export function validateCaptureOptions(options: CaptureOptions): Result<CaptureOptions, Issue[]> {
  const issues: Issue[] = [];
  const check = (path: string, values: readonly string[], isValid: (value: string) => boolean, what: string): void => {
    for (const value of values) if (!isValid(value)) issues.push(errorIssue('MESH_CAPTURE_VALUE', path, `'${value}' is not ${what}`));
  };
  const orAll = (isValid: (value: string) => boolean) => (value: string): boolean => value === '*' || isValid(value);
  check('ports', [options.outboundPort, options.inboundPort, options.tunnelPort].map(String), isPortText, 'a port');
  check('inbound ports', options.includeInboundPorts, orAll(isPortText), 'a port or *');
  check('excluded ports', [...options.excludeInboundPorts, ...options.excludeOutboundPorts], isPortText, 'a port');
  check('outbound ports', options.includeOutboundPorts, orAll(isPortText), 'a port or *');
  check('included ranges', options.includeOutboundRanges, orAll(isAddressRange), 'a CIDR range or *');
  check('excluded ranges', options.excludeOutboundRanges, isAddressRange, 'a CIDR range');
  check('name servers', options.dnsServers ?? [], (value) => isAddressRange(value) && !value.includes('/'), 'an IP address');
  check('interfaces', [...options.excludeInterfaces, ...options.virtualInterfaces], isInterfaceName, 'the name of an interface');
  check('owner', [...options.proxyUid.split(','), ...options.proxyGid.split(','), ...options.excludeOutboundGroups], isId, 'a numeric id');
  check('owner groups', options.includeOutboundGroups, orAll(isId), 'a numeric id or *');
  check('marks', [options.transparentMark, options.transparentRouteTable].map(String), isPositive, 'a positive number');
  check('mode', [options.mode], (value) => value === 'REDIRECT' || value === 'TPROXY', 'REDIRECT or TPROXY');
  return issues.length > 0 ? err(issues) : ok(options);
}
