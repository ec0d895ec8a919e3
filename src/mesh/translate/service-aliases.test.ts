// ExternalName services that stand for services of the registry: their names lead where the services' own do.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { MeshConfig } from '../../shared/api/mesh-config/mesh-config.ts';
import { RouteConfiguration } from '../../shared/xds/generated/envoy/config/route/v3/route.ts';
import { TYPE_URLS } from '../../shared/xds/index.ts';
import { buildSnapshot, createTranslator, parseProxyDescription, type SnapshotInput } from '../index.ts';
import type { ConfigObject } from '../model/inputs.ts';

const bookinfo = parse(readFileSync(new URL('testdata/bookinfo.yaml', import.meta.url), 'utf8')) as Pick<SnapshotInput, 'services' | 'pods' | 'endpointSlices' | 'namespaces'>;
const ALIAS = { metadata: { name: 'opinions', namespace: 'bookinfo' }, spec: { type: 'ExternalName', externalName: 'reviews.bookinfo.svc.cluster.local', ports: [{ port: 7000, name: 'http' }] } };

/** The virtual hosts that a sidecar of bookinfo gets, by name: domains, and the clusters that they lead to. */
function virtualHosts(mode: string, route: string, config: readonly unknown[] = []) {
  const { snapshot } = buildSnapshot({ number: 1, meshConfig: MeshConfig.parse({}), rootNamespace: 'istio-system', domain: 'cluster.local', trustDomain: 'cluster.local', ...bookinfo, services: [...bookinfo.services, ALIAS], config: config as ConfigObject[] });
  const proxy = parseProxyDescription({ id: 'sidecar~127.10.1.2~client.bookinfo~bookinfo.svc.cluster.local', metadata: { NAMESPACE: 'bookinfo', INTERCEPTION_MODE: mode, MIZZEN_VERSION: '3.0.0', HTTP_PROXY_PORT: '15007' } });
  if (!proxy.ok) throw new Error(JSON.stringify(proxy.error));
  const translator = createTranslator();
  const [made] = translator.generate(snapshot, proxy.value, TYPE_URLS.route, [route]);
  const clusters = translator.generate(snapshot, proxy.value, TYPE_URLS.cluster, 'wildcard').map(({ name }) => name);
  const hosts = Object.fromEntries((RouteConfiguration.decode(made?.encode() ?? new Uint8Array()).virtualHosts ?? []).map(({ name = '', domains = [], routes = [] }) => {
    const action = routes.at(-1)?.action;
    return [name, { domains, cluster: action?.$case === 'route' && action.route.clusterSpecifier?.$case === 'cluster' ? action.route.clusterSpecifier.cluster : undefined }];
  }));
  return { hosts, clusters };
}

const NAMES = ['opinions.bookinfo.svc.cluster.local', 'opinions', 'opinions.bookinfo', 'opinions.bookinfo.svc'];
const REVIEWS = 'outbound|9080||reviews.bookinfo.svc.cluster.local';

describe('an alias', () => {
  it.each([{ mode: 'REDIRECT', route: '9080' }, { mode: 'NONE', route: 'http_proxy' }])('adds its names to the service in mode $mode, at the service\'s ports, and has no cluster of its own', ({ mode, route }) => {
    const { hosts, clusters } = virtualHosts(mode, route);
    const reviews = hosts['reviews.bookinfo.svc.cluster.local:9080'];
    expect(reviews?.cluster).toBe(REVIEWS);
    expect(reviews?.domains).toEqual(expect.arrayContaining([...NAMES.map((name) => `${name}:9080`), 'reviews:9080']));
    expect(Object.keys(hosts).filter((name) => name.startsWith('opinions'))).toEqual([]);
    expect(clusters.filter((name) => name.includes('opinions'))).toEqual([]);
  });

  it('with a VirtualService of its own is routed by that', () => {
    const { hosts } = virtualHosts('REDIRECT', '9080', [{ apiVersion: 'networking.istio.io/v1', kind: 'VirtualService', metadata: { name: 'v', namespace: 'bookinfo' }, spec: { hosts: ['opinions'], http: [{ route: [{ destination: { host: 'ratings', port: { number: 9080 } } }] }] } }]);
    expect(hosts['opinions.bookinfo.svc.cluster.local:9080']).toMatchObject({ domains: expect.arrayContaining(NAMES), cluster: 'outbound|9080||ratings.bookinfo.svc.cluster.local' });
    expect(hosts['reviews.bookinfo.svc.cluster.local:9080']?.domains.filter((name) => name.startsWith('opinions'))).toEqual([]);
  });

  it('as a destination means the service', () => {
    const { hosts } = virtualHosts('REDIRECT', '9080', [{ apiVersion: 'networking.istio.io/v1', kind: 'VirtualService', metadata: { name: 'v', namespace: 'bookinfo' }, spec: { hosts: ['ratings'], http: [{ route: [{ destination: { host: 'opinions', port: { number: 9080 } } }] }] } }]);
    expect(hosts['ratings.bookinfo.svc.cluster.local:9080']?.cluster).toBe(REVIEWS);
  });
});
