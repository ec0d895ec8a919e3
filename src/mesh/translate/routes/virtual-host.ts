// Virtual hosts: the names under which a client may ask for a service, and the routes behind them.
import type { Route, VirtualHost } from '../../../shared/xds/generated/envoy/config/route/v3/route_components.ts';
import { BLACK_HOLE_CLUSTER } from '../../../shared/xds/index.ts';
import type { ServiceRecord } from '../../model/records.ts';
import { routeMatch } from './route-match.ts';

/** Every name of a service for a client in `dnsDomain` (`bookinfo.svc.cluster.local`): full, short forms, those of its pods where it is headless, addresses. */
export function serviceNames(service: ServiceRecord, dnsDomain: string): string[] {
  const names = [service.host, ...shortNames(service.host, dnsDomain)];
  return [...names, ...(service.headless ? names.map((name) => `*.${name}`) : []), ...(service.resolution === 'none' ? [] : service.addresses.filter((address) => !address.includes('/')))];
}

/** The forms that the resolver's search list completes: `reviews`, `reviews.bookinfo`, `reviews.bookinfo.svc`. */
function shortNames(host: string, dnsDomain: string): string[] {
  const [clientNamespace = '', ...rest] = dnsDomain.split('.');
  const suffix = `.${rest.join('.')}`;
  if (rest[0] !== 'svc' || !host.endsWith(suffix)) return [];
  const [name = '', namespace = '', ...more] = host.slice(0, -suffix.length).split('.');
  if (more.length > 0 || name === '' || namespace === '') return [];
  return [...(namespace === clientNamespace ? [name] : []), `${name}.${namespace}`, `${name}.${namespace}.svc`];
}

/** Domains of a virtual host: each name with its port, and without where `bare` says that the port is implied. */
export function domainsOf(names: readonly string[], port: number, bare: boolean): string[] {
  const bracketed = names.map((name) => (name.includes(':') ? `[${name}]` : name));
  return [...new Set(bracketed.flatMap((name) => (name === '*' ? ['*'] : bare ? [name, `${name}:${port}`] : [`${name}:${port}`])))];
}

/** A virtual host with what Istio sets on each. */
export function virtualHost(name: string, domains: readonly string[], routes: readonly Route[]): VirtualHost {
  return { name, domains: [...domains], routes: [...routes], includeRequestAttemptCount: true };
}

/** What happens to hosts that nobody knows: on to where the client wanted (`cluster`), or 502. */
export function unknownHost(cluster: string | undefined): VirtualHost {
  if (cluster !== undefined && cluster !== BLACK_HOLE_CLUSTER) {
    return virtualHost('allow_any', ['*'], [{ name: 'allow_any', match: routeMatch(undefined), action: { $case: 'route', route: { clusterSpecifier: { $case: 'cluster', cluster }, timeout: { seconds: 0, nanos: 0 } } } }]);
  }
  return virtualHost('block_all', ['*'], [{ name: 'block_all', match: routeMatch(undefined), action: { $case: 'directResponse', directResponse: { status: 502 } } }]);
}

/** Drops domains that an earlier virtual host already has: Envoy refuses a configuration with one domain twice. */
export function withoutDuplicates(hosts: readonly VirtualHost[]): VirtualHost[] {
  const seen = new Set<string>();
  return hosts.flatMap((host) => {
    const domains = (host.domains ?? []).filter((domain) => {
      const key = domain.toLowerCase();
      if (seen.has(key)) return false;
      seen.add(key);
      return true;
    });
    return domains.length > 0 ? [{ ...host, domains }] : [];
  });
}
