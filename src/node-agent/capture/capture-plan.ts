// Options -> packet filter rules as data, those of Istio's sidecar capture, in order. The firewall folder turns them into commands.
import type { CaptureOptions } from './capture-options.ts';

/** One rule at the end of a chain. */
export interface CaptureRule {
  readonly table: 'nat' | 'mangle';
  readonly chain: string;
  readonly match: readonly string[];
  readonly target: readonly string[];
}

/** A plan for one address family. */
export interface CapturePlan {
  readonly family: 'IPv4' | 'IPv6';
  readonly rules: readonly CaptureRule[];
  /** `ip rule` and `ip route` arguments that transparent proxying needs. */
  readonly routes: readonly (readonly string[])[];
}

const TPROXY_MARK = '1337';
const TPROXY_TABLE = '133';
const TUNNEL_PORT = '15008';
const DNS_PORT = '15053';

interface Family {
  readonly name: CapturePlan['family'];
  readonly loopback: string;
  /** Source address of the proxy's own inbound connections to the application. */
  readonly passthrough: string;
}

const families: Record<CapturePlan['family'], Family> = {
  IPv4: { name: 'IPv4', loopback: '127.0.0.1/32', passthrough: '127.0.0.6/32' },
  IPv6: { name: 'IPv6', loopback: '::1/128', passthrough: '::6/128' },
};

/** The rules for one family. */
export function planCapture(options: CaptureOptions, family: CapturePlan['family'] = 'IPv4'): CapturePlan {
  const facts = families[family];
  const transparent = options.mode === 'TPROXY';
  const rules = [
    ...redirectChains(options),
    ...(transparent ? transparentInbound(options, facts) : redirectInbound(options)),
    ...outbound(options, facts),
    ...(options.redirectDns ? dns() : []),
  ];
  const routes = transparent && options.includeInboundPorts.length > 0
    ? [['rule', 'add', 'fwmark', TPROXY_MARK, 'lookup', TPROXY_TABLE], ['route', 'add', 'local', 'default', 'dev', 'lo', 'table', TPROXY_TABLE]]
    : [];
  return { family, rules, routes };
}

const nat = (chain: string, match: readonly string[], ...target: string[]): CaptureRule => ({ table: 'nat', chain, match, target });
const mangle = (chain: string, match: readonly string[], ...target: string[]): CaptureRule => ({ table: 'mangle', chain, match, target });
const tcp = ['-p', 'tcp'] as const;
const tcpPort = (port: string): string[] => [...tcp, '--dport', port];

function redirectChains(options: CaptureOptions): CaptureRule[] {
  return [
    nat('ISTIO_REDIRECT', tcp, 'REDIRECT', '--to-ports', String(options.outboundPort)),
    nat('ISTIO_IN_REDIRECT', tcp, 'REDIRECT', '--to-ports', String(options.inboundPort)),
  ];
}

function redirectInbound(options: CaptureOptions): CaptureRule[] {
  if (options.includeInboundPorts.length === 0) return [];
  return [
    ...options.excludeInterfaces.map((name) => nat('PREROUTING', ['-i', name], 'RETURN')),
    nat('PREROUTING', tcp, 'ISTIO_INBOUND'),
    nat('ISTIO_INBOUND', tcpPort(TUNNEL_PORT), 'RETURN'),
    ...inboundPorts(options, (match, captured) => nat('ISTIO_INBOUND', match, captured ? 'ISTIO_IN_REDIRECT' : 'RETURN')),
  ];
}

function inboundPorts(options: CaptureOptions, rule: (match: readonly string[], captured: boolean) => CaptureRule): CaptureRule[] {
  if (!options.includeInboundPorts.includes('*')) return options.includeInboundPorts.map((port) => rule(tcpPort(port), true));
  return [...options.excludeInboundPorts.map((port) => rule(tcpPort(port), false)), rule(tcp, true)];
}

function transparentInbound(options: CaptureOptions, { loopback, passthrough }: Family): CaptureRule[] {
  if (options.includeInboundPorts.length === 0) return [];
  return [
    mangle('ISTIO_DIVERT', [], 'MARK', '--set-mark', TPROXY_MARK),
    mangle('ISTIO_DIVERT', [], 'ACCEPT'),
    mangle('ISTIO_TPROXY', ['!', '-d', loopback, ...tcp], 'TPROXY', '--tproxy-mark', `${TPROXY_MARK}/0xffffffff`, '--on-port', String(options.inboundPort)),
    ...options.excludeInterfaces.map((name) => mangle('PREROUTING', ['-i', name], 'RETURN')),
    mangle('PREROUTING', tcp, 'ISTIO_INBOUND'),
    mangle('ISTIO_INBOUND', [...tcp, '-m', 'mark', '--mark', TPROXY_MARK], 'RETURN'),
    mangle('ISTIO_INBOUND', [...tcp, '-s', passthrough, '-i', 'lo'], 'RETURN'),
    mangle('ISTIO_INBOUND', [...tcp, '-i', 'lo', '-m', 'mark', '!', '--mark', '1338'], 'RETURN'),
    mangle('ISTIO_INBOUND', [...tcp, '-m', 'conntrack', '--ctstate', 'RELATED,ESTABLISHED'], 'ISTIO_DIVERT'),
    ...inboundPorts(options, (match, captured) => mangle('ISTIO_INBOUND', match, captured ? 'ISTIO_TPROXY' : 'RETURN')),
    ...options.proxyUid.split(',').map((uid) => mangle('OUTPUT', [...tcp, '-o', 'lo', '-m', 'owner', '--uid-owner', uid], 'MARK', '--set-mark', '1338')),
    ...options.proxyGid.split(',').map((gid) => mangle('OUTPUT', [...tcp, '-o', 'lo', '-m', 'owner', '--gid-owner', gid], 'MARK', '--set-mark', '1338')),
  ];
}

function outbound(options: CaptureOptions, { loopback, passthrough }: Family): CaptureRule[] {
  const chain = 'ISTIO_OUTPUT';
  const owners = [...options.proxyUid.split(',').map((id) => ['--uid-owner', id]), ...options.proxyGid.split(',').map((id) => ['--gid-owner', id])];
  return [
    ...options.excludeInterfaces.map((name) => nat('OUTPUT', ['-o', name], 'RETURN')),
    nat('OUTPUT', options.redirectDns ? [] : tcp, chain),
    ...options.excludeOutboundPorts.flatMap((port) => [nat(chain, tcpPort(port), 'RETURN'), nat(chain, ['-p', 'udp', '--dport', port], 'RETURN')]),
    // The proxy's own connections to the application come from here.
    nat(chain, ['-o', 'lo', '-s', passthrough], 'RETURN'),
    ...owners.flatMap((owner) => ownerRules(chain, owner, options, loopback)),
    ...(options.redirectDns ? [nat(chain, [], 'ISTIO_OUTPUT_DNS')] : []),
    nat(chain, ['-d', loopback], 'RETURN'),
    ...options.excludeOutboundRanges.filter((range) => isFamily(range, loopback)).map((range) => nat(chain, ['-d', range], 'RETURN')),
    ...options.includeOutboundPorts.map((port) => nat(chain, tcpPort(port), 'ISTIO_REDIRECT')),
    ...capturedRanges(chain, options, loopback),
  ];
}

function ownerRules(chain: string, owner: readonly string[], { redirectDns }: CaptureOptions, loopback: string): CaptureRule[] {
  const spared = redirectDns ? ['-m', 'multiport', '!', '--dports', `53,${TUNNEL_PORT}`] : ['!', '--dport', TUNNEL_PORT];
  return [
    // A pod that calls itself by its service's address goes through its own inbound filters.
    nat(chain, ['-o', 'lo', '!', '-d', loopback, ...tcp, ...spared, '-m', 'owner', ...owner], 'ISTIO_IN_REDIRECT'),
    nat(chain, ['-o', 'lo', ...(redirectDns ? [...tcp, '!', '--dport', '53'] : []), '-m', 'owner', '!', ...owner], 'RETURN'),
    nat(chain, ['-m', 'owner', ...owner], 'RETURN'),
  ];
}

function capturedRanges(chain: string, { includeOutboundRanges }: CaptureOptions, loopback: string): CaptureRule[] {
  if (includeOutboundRanges.includes('*')) return [nat(chain, [], 'ISTIO_REDIRECT')];
  return includeOutboundRanges.filter((range) => isFamily(range, loopback)).map((range) => nat(chain, ['-d', range], 'ISTIO_REDIRECT'));
}

function dns(): CaptureRule[] {
  return ['tcp', 'udp'].map((protocol) => nat('ISTIO_OUTPUT_DNS', ['-p', protocol, '--dport', '53'], 'REDIRECT', '--to-ports', DNS_PORT));
}

function isFamily(range: string, loopback: string): boolean {
  return range.includes(':') === loopback.includes(':');
}
