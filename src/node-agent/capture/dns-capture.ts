// Capture of name look-ups: queries go to the proxy's DNS server, and connection tracking keeps the application's queries and the proxy's own to the same server apart.
import type { CaptureOptions } from './capture-options.ts';
import { hasFamily, nat, raw, type CaptureRule, type FamilyFacts } from './rule.ts';

const DNS_PORT = '15053';
const PROXY_ZONE = '1';
const APPLICATION_ZONE = '2';

/** The chain of redirected queries, over TCP and UDP. */
export function dnsRedirection(options: CaptureOptions, facts: FamilyFacts): CaptureRule[] {
  const chain = 'ISTIO_OUTPUT_DNS';
  const to = ['REDIRECT', '--to-ports', DNS_PORT];
  const servers = serverMatches(options, facts);
  return [
    ...servers.map((server) => nat(chain, ['-p', 'tcp', '--dport', '53', ...server], ...to)),
    ...owners(options).map((owner) => nat(chain, ['-p', 'udp', '--dport', '53', '-m', 'owner', ...owner], 'RETURN')),
    ...groupMatches(options).map((match) => nat(chain, ['-p', 'udp', '--dport', '53', ...match], 'RETURN')),
    ...servers.map((server) => nat(chain, ['-p', 'udp', '--dport', '53', ...server], ...to)),
  ];
}

/** Zones of connection tracking, in the table raw. Without them the proxy's query with the port that the application's query had would be taken for the same flow. */
export function dnsZones(options: CaptureOptions, facts: FamilyFacts): CaptureRule[] {
  const chain = 'ISTIO_OUTPUT_DNS';
  const zone = (match: readonly string[], number: string): CaptureRule => raw(chain, ['-p', 'udp', ...match], 'CT', '--zone', number);
  const servers = serverMatches(options, facts);
  return [
    raw('OUTPUT', [], chain),
    ...owners(options).flatMap((owner) => [zone(['--dport', '53', '-m', 'owner', ...owner], PROXY_ZONE), zone(['--sport', DNS_PORT, '-m', 'owner', ...owner], APPLICATION_ZONE)]),
    ...(servers.length > 0 ? [raw('PREROUTING', [], 'ISTIO_INBOUND')] : []),
    ...servers.map((server) => zone(['--dport', '53', ...server], APPLICATION_ZONE)),
    ...servers.map((server) => raw('ISTIO_INBOUND', ['-p', 'udp', '--sport', '53', ...server.map((word) => (word === '-d' ? '-s' : word))], 'CT', '--zone', PROXY_ZONE)),
  ];
}

// One match a name server; one that matches all when none is named.
function serverMatches({ dnsServers }: CaptureOptions, facts: FamilyFacts): string[][] {
  return dnsServers === undefined ? [[]] : hasFamily(dnsServers, facts).map((server) => ['-d', `${server}/${facts.bits}`]);
}

function owners({ proxyUid, proxyGid }: CaptureOptions): string[][] {
  return [...proxyUid.split(',').map((id) => ['--uid-owner', id]), ...proxyGid.split(',').map((id) => ['--gid-owner', id])];
}

function groupMatches({ includeOutboundGroups, excludeOutboundGroups }: CaptureOptions): string[][] {
  if (!includeOutboundGroups.includes('*')) return [includeOutboundGroups.flatMap((group) => ['-m', 'owner', '!', '--gid-owner', group])];
  return excludeOutboundGroups.map((group) => ['-m', 'owner', '--gid-owner', group]);
}
