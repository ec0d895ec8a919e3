// The filter chains of one inbound port: by mutual TLS mode, and by what the port speaks. Mesh TLS is told from the
// application's own by its ALPN names; in PERMISSIVE mode plaintext has chains beside it, never instead of it.
import type { FilterChain, FilterChainMatch } from '../../../shared/xds/generated/envoy/config/listener/v3/listener_components.ts';
import { inboundClusterName } from '../../../shared/xds/index.ts';
import { policiesFor, type MutualTlsMode } from '../../model/policy-selection.ts';
import { isDetected, isHttp } from '../../model/protocol.ts';
import type { Protocol } from '../../model/records.ts';
import type { ProxyView } from '../proxy-view.ts';
import { inboundRouteConfiguration } from '../routes/inbound-routes.ts';
import { customAuthorizations } from '../security/custom-authorization.ts';
import { rbacFilters } from '../security/rbac.ts';
import { meshServerSocket } from '../security/tls-contexts.ts';
import { httpChain, tcpChain } from './chains.ts';

const HTTP_ALPN = ['istio-http/1.0', 'istio-http/1.1', 'istio-h2'];
const TCP_ALPN = ['istio-peer-exchange', 'istio'];
const PLAIN_HTTP = ['http/1.1', 'h2c'];

/** One port's worth of chains. */
export interface InboundChainsOptions {
  /** Name of every chain. */
  readonly name: string;
  readonly statPrefix: string;
  readonly protocol: Protocol;
  readonly mode: MutualTlsMode;
  /** Whether a listener serves several ports, so that the chains must say theirs; 0 for the rest of the ports. */
  readonly matchPort?: number;
  readonly targetPort: number;
  readonly servicePort: number;
  readonly host: string;
  /** The cluster, when it is not the port's own. */
  readonly cluster?: string;
}

type Kind = 'http' | 'tcp';

/** The chains of a port, and whether they need HTTP detection. */
export function inboundChains(view: ProxyView, options: InboundChainsOptions): FilterChain[] {
  const plan = isHttp(options.protocol) ? httpPlan(options.mode) : isDetected(options.protocol) ? detectedPlan(options.mode) : tcpPlan(options.mode);
  return plan.map(({ kind, mutualTls, match }) => chain(view, options, kind, mutualTls, match));
}

interface PlannedChain {
  readonly kind: Kind;
  readonly mutualTls: boolean;
  readonly match: FilterChainMatch;
}

function httpPlan(mode: MutualTlsMode): PlannedChain[] {
  if (mode === 'DISABLE') return [{ kind: 'http', mutualTls: false, match: {} }];
  if (mode === 'STRICT') return [{ kind: 'http', mutualTls: true, match: { transportProtocol: 'tls' } }];
  return [
    { kind: 'http', mutualTls: true, match: { transportProtocol: 'tls', applicationProtocols: [...HTTP_ALPN, ...TCP_ALPN] } },
    { kind: 'http', mutualTls: false, match: { transportProtocol: 'raw_buffer' } },
  ];
}

function tcpPlan(mode: MutualTlsMode): PlannedChain[] {
  if (mode === 'DISABLE') return [{ kind: 'tcp', mutualTls: false, match: {} }];
  if (mode === 'STRICT') return [{ kind: 'tcp', mutualTls: true, match: { transportProtocol: 'tls' } }];
  return [
    { kind: 'tcp', mutualTls: true, match: { transportProtocol: 'tls', applicationProtocols: TCP_ALPN } },
    { kind: 'tcp', mutualTls: false, match: { transportProtocol: 'raw_buffer' } },
    { kind: 'tcp', mutualTls: false, match: { transportProtocol: 'tls' } },
  ];
}

function detectedPlan(mode: MutualTlsMode): PlannedChain[] {
  const plainHttp: PlannedChain = { kind: 'http', mutualTls: false, match: { transportProtocol: 'raw_buffer', applicationProtocols: PLAIN_HTTP } };
  if (mode === 'DISABLE') return [plainHttp, ...tcpPlan('DISABLE')];
  const meshHttp: PlannedChain = { kind: 'http', mutualTls: true, match: { transportProtocol: 'tls', applicationProtocols: HTTP_ALPN } };
  return mode === 'STRICT' ? [meshHttp, ...tcpPlan('STRICT')] : [meshHttp, plainHttp, ...tcpPlan('PERMISSIVE')];
}

/** Trust domains whose workloads are let in, the mesh's own first. */
export function trustDomainsOf(view: ProxyView): string[] {
  return [view.snapshot.trustDomain, ...view.snapshot.meshConfig.trustDomainAliases];
}

function chain(view: ProxyView, options: InboundChainsOptions, kind: Kind, mutualTls: boolean, match: FilterChainMatch): FilterChain {
  const { snapshot, proxy } = view;
  const trustDomains = trustDomainsOf(view);
  const policies = policiesFor(snapshot.authorizationPolicies, snapshot.rootNamespace, proxy);
  const rules = { trustDomains, tcp: kind === 'tcp' };
  const shared = { direction: 'inbound' as const, statPrefix: options.statPrefix, rbac: rbacFilters(policies, rules), custom: customAuthorizations(view, rules) };
  const cluster = options.cluster ?? inboundClusterName(options.targetPort);
  const filters = kind === 'http'
    ? [httpChain(view, { ...shared, source: { routes: inboundRouteConfiguration({ host: options.host, servicePort: options.servicePort, targetPort: options.targetPort, cluster }) } })]
    : tcpChain(view, { ...shared, statPrefix: cluster, target: cluster });
  const full: FilterChainMatch = { ...(options.matchPort ? { destinationPort: options.matchPort } : {}), ...match };
  return {
    name: options.name,
    ...(Object.keys(full).length > 0 ? { filterChainMatch: full } : {}),
    filters,
    ...(mutualTls ? { transportSocket: meshServerSocket({ trustDomains, tcp: kind === 'tcp', ownProxy: proxy.isMizzen, minimumVersion: snapshot.meshConfig.meshMTLS?.minProtocolVersion, cipherSuites: snapshot.meshConfig.meshMTLS?.cipherSuites }) } : {}),
  };
}
