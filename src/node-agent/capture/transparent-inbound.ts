// Inbound capture that keeps the client's address (interception mode TPROXY): marks in the table mangle, and a policy route that delivers marked packets locally.
import type { CaptureOptions } from './capture-options.ts';
import { mangle, tcp, tcpPort, type CaptureRule, type FamilyFacts, type RoutePlan } from './rule.ts';

/** Mark of what the proxy itself sends over loopback: a pod that calls itself by its service's address. */
const OWN_LOOPBACK_MARK = '1338';

/** The rules of the table mangle. */
export function transparentInbound(options: CaptureOptions, { loopback, passthrough }: FamilyFacts): CaptureRule[] {
  const mark = String(options.transparentMark);
  const owners = [...options.proxyUid.split(',').map((id) => ['--uid-owner', id]), ...options.proxyGid.split(',').map((id) => ['--gid-owner', id])];
  return [
    ...options.excludeInterfaces.flatMap((name) => [mangle('PREROUTING', ['-i', name], 'RETURN'), mangle('OUTPUT', ['-o', name], 'RETURN')]),
    mangle('ISTIO_DIVERT', [], 'MARK', '--set-mark', mark),
    mangle('ISTIO_DIVERT', [], 'ACCEPT'),
    mangle('ISTIO_TPROXY', ['!', '-d', loopback, ...tcp], 'TPROXY', '--tproxy-mark', `${mark}/0xffffffff`, '--on-port', String(options.inboundPort)),
    mangle('PREROUTING', tcp, 'ISTIO_INBOUND'),
    mangle('PREROUTING', [...tcp, '-m', 'mark', '--mark', mark], 'CONNMARK', '--save-mark'),
    mangle('ISTIO_INBOUND', [...tcp, '-m', 'mark', '--mark', mark], 'RETURN'),
    mangle('ISTIO_INBOUND', [...tcp, '-s', passthrough, '-i', 'lo'], 'RETURN'),
    mangle('ISTIO_INBOUND', [...tcp, '-i', 'lo', '-m', 'mark', '!', '--mark', OWN_LOOPBACK_MARK], 'RETURN'),
    ...inboundPorts(options),
    mangle('OUTPUT', [...tcp, '-o', 'lo', '-m', 'mark', '--mark', mark], 'RETURN'),
    ...owners.map((owner) => mangle('OUTPUT', ['!', '-d', loopback, ...tcp, '-o', 'lo', '-m', 'owner', ...owner], 'MARK', '--set-mark', OWN_LOOPBACK_MARK)),
    mangle('OUTPUT', [...tcp, '-m', 'connmark', '--mark', mark], 'CONNMARK', '--restore-mark'),
  ];
}

// Packets of a connection that a socket already has are diverted to it; new ones are given to the proxy's listener.
function inboundPorts({ includeInboundPorts, excludeInboundPorts }: CaptureOptions): CaptureRule[] {
  const known = (match: readonly string[]): CaptureRule => mangle('ISTIO_INBOUND', [...match, '-m', 'conntrack', '--ctstate', 'RELATED,ESTABLISHED'], 'ISTIO_DIVERT');
  if (!includeInboundPorts.includes('*')) return includeInboundPorts.flatMap((port) => [known(tcpPort(port)), mangle('ISTIO_INBOUND', tcpPort(port), 'ISTIO_TPROXY')]);
  return [...excludeInboundPorts.map((port) => mangle('ISTIO_INBOUND', tcpPort(port), 'RETURN')), known(tcp), mangle('ISTIO_INBOUND', tcp, 'ISTIO_TPROXY')];
}

/** Delivers marked packets to this host, whatever address they are for. */
export function transparentRoutes({ transparentMark, transparentRouteTable }: CaptureOptions): RoutePlan[] {
  const table = String(transparentRouteTable);
  return [
    { object: 'rule', words: ['fwmark', String(transparentMark), 'lookup', table] },
    { object: 'route', words: ['local', 'default', 'dev', 'lo', 'table', table] },
  ];
}
