// Options -> packet filter rules as data, those of Istio's sidecar capture, in order. The firewall folder turns them into commands.
import type { CaptureOptions } from './capture-options.ts';
import { dnsRedirection, dnsZones } from './dns-capture.ts';
import { families, hasFamily, mangle, nat, tcp, tcpPort, type AddressFamily, type CaptureRule, type FamilyFacts, type RoutePlan } from './rule.ts';
import { transparentInbound, transparentRoutes } from './transparent-inbound.ts';

/** A plan for one address family. */
export interface CapturePlan {
  readonly family: AddressFamily;
  readonly rules: readonly CaptureRule[];
  /** What `ip` has to add: the source address of inbound connections, and what transparent proxying needs. */
  readonly routes: readonly RoutePlan[];
}

/** The rules for one family. */
export function planCapture(options: CaptureOptions, family: AddressFamily = 'IPv4'): CapturePlan {
  const facts = families[family];
  const transparent = options.mode === 'TPROXY' && options.includeInboundPorts.length > 0;
  return {
    family,
    rules: [
      ...(options.dropInvalid ? [mangle('PREROUTING', ['-m', 'conntrack', '--ctstate', 'INVALID'], 'DROP')] : []),
      ...(transparent ? transparentInbound(options, facts) : []),
      ...redirectChains(options),
      ...virtualMachines(options, facts),
      ...options.excludeInterfaces.map((name) => nat('PREROUTING', ['-i', name], 'RETURN')),
      ...(transparent ? [] : redirectInbound(options)),
      ...outbound(options, facts),
      ...(options.redirectDns ? [...dnsRedirection(options, facts), ...dnsZones(options, facts)] : []),
    ],
    // Unlike 127.0.0.6, the source of the proxy's connections to the application is nobody's address until it is given to loopback.
    routes: [...(family === 'IPv6' ? [{ object: 'address', words: [facts.passthrough, 'dev', 'lo'] } as const] : []), ...(transparent ? transparentRoutes(options) : [])],
  };
}

function redirectChains(options: CaptureOptions): CaptureRule[] {
  return [
    nat('ISTIO_REDIRECT', tcp, 'REDIRECT', '--to-ports', String(options.outboundPort)),
    nat('ISTIO_IN_REDIRECT', tcp, 'REDIRECT', '--to-ports', String(options.inboundPort)),
  ];
}

// What a virtual machine sends arrives at its interface as if from outside; it is the workload's outbound traffic.
function virtualMachines({ virtualInterfaces, includeOutboundRanges, excludeOutboundRanges }: CaptureOptions, facts: FamilyFacts): CaptureRule[] {
  const captured = includeOutboundRanges.includes('*') ? [[]] : hasFamily(includeOutboundRanges, facts).map((range) => ['-d', range]);
  return virtualInterfaces.flatMap((name) => [
    ...hasFamily(excludeOutboundRanges, facts).map((range) => nat('PREROUTING', ['-i', name, '-d', range], 'RETURN')),
    ...captured.map((match) => nat('PREROUTING', ['-i', name, ...match], 'ISTIO_REDIRECT')),
    nat('PREROUTING', ['-i', name], 'RETURN'),
  ]);
}

function redirectInbound(options: CaptureOptions): CaptureRule[] {
  if (options.includeInboundPorts.length === 0) return [];
  return [
    nat('PREROUTING', tcp, 'ISTIO_INBOUND'),
    nat('ISTIO_INBOUND', tcpPort(String(options.tunnelPort)), 'RETURN'),
    ...(options.includeInboundPorts.includes('*')
      ? [...options.excludeInboundPorts.map((port) => nat('ISTIO_INBOUND', tcpPort(port), 'RETURN')), nat('ISTIO_INBOUND', tcp, 'ISTIO_IN_REDIRECT')]
      : options.includeInboundPorts.map((port) => nat('ISTIO_INBOUND', tcpPort(port), 'ISTIO_IN_REDIRECT'))),
  ];
}

function outbound(options: CaptureOptions, facts: FamilyFacts): CaptureRule[] {
  const chain = 'ISTIO_OUTPUT';
  return [
    ...options.excludeInterfaces.map((name) => nat('OUTPUT', ['-o', name], 'RETURN')),
    nat('OUTPUT', [], chain),
    ...options.excludeOutboundPorts.flatMap((port) => [nat(chain, tcpPort(port), 'RETURN'), nat(chain, ['-p', 'udp', '--dport', port], 'RETURN')]),
    // The proxy's own connections to the application come from here.
    nat(chain, ['-o', 'lo', '-s', facts.passthrough], 'RETURN'),
    ...options.proxyUid.split(',').flatMap((id) => ownerRules(chain, ['--uid-owner', id], options, facts, options.redirectDns)),
    ...options.proxyGid.split(',').flatMap((id) => ownerRules(chain, ['--gid-owner', id], options, facts, false)),
    ...ownerGroups(chain, options),
    ...(options.redirectDns ? [nat(chain, [], 'ISTIO_OUTPUT_DNS')] : []),
    nat(chain, ['-d', facts.loopback], 'RETURN'),
    ...hasFamily(options.excludeOutboundRanges, facts).map((range) => nat(chain, ['-d', range], 'RETURN')),
    ...(options.includeOutboundPorts.includes('*') ? [nat(chain, tcp, 'ISTIO_REDIRECT')] : options.includeOutboundPorts.map((port) => nat(chain, tcpPort(port), 'ISTIO_REDIRECT'))),
    ...capturedRanges(chain, options, facts),
  ];
}

function ownerRules(chain: string, owner: readonly string[], { redirectDns, tunnelPort }: CaptureOptions, { loopback }: FamilyFacts, spareDns: boolean): CaptureRule[] {
  const spared = spareDns ? ['-m', 'multiport', '!', '--dports', `53,${tunnelPort}`] : ['!', '--dport', String(tunnelPort)];
  return [
    // A pod that calls itself by its service's address goes through its own inbound filters.
    nat(chain, ['-o', 'lo', '!', '-d', loopback, ...tcp, ...spared, '-m', 'owner', ...owner], 'ISTIO_IN_REDIRECT'),
    nat(chain, ['-o', 'lo', ...(redirectDns ? [...tcp, '!', '--dport', '53'] : []), '-m', 'owner', '!', ...owner], 'RETURN'),
    nat(chain, ['-m', 'owner', ...owner], 'RETURN'),
  ];
}

function ownerGroups(chain: string, { includeOutboundGroups, excludeOutboundGroups }: CaptureOptions): CaptureRule[] {
  if (!includeOutboundGroups.includes('*')) return [nat(chain, includeOutboundGroups.flatMap((group) => ['-m', 'owner', '!', '--gid-owner', group]), 'RETURN')];
  return excludeOutboundGroups.map((group) => nat(chain, ['-m', 'owner', '--gid-owner', group], 'RETURN'));
}

function capturedRanges(chain: string, { includeOutboundRanges }: CaptureOptions, facts: FamilyFacts): CaptureRule[] {
  if (includeOutboundRanges.includes('*')) return [nat(chain, [], 'ISTIO_REDIRECT')];
  return hasFamily(includeOutboundRanges, facts).map((range) => nat(chain, ['-d', range], 'ISTIO_REDIRECT'));
}
