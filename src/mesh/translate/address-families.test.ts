// What a pod's address families change: wildcards, sources, endpoints within reach.
import { describe, expect, it } from 'vitest';
import { parseMeshConfig } from '../../shared/api/mesh-config/mesh-config.ts';
import type { Cluster } from '../../shared/xds/generated/envoy/config/cluster/v3/cluster.ts';
import type { ClusterLoadAssignment } from '../../shared/xds/generated/envoy/config/endpoint/v3/endpoint.ts';
import type { Listener } from '../../shared/xds/generated/envoy/config/listener/v3/listener.ts';
import type { Address } from '../../shared/xds/generated/envoy/config/core/v3/address.ts';
import { TYPE_URLS } from '../../shared/xds/index.ts';
import { buildSnapshot, createTranslator, parseProxyDescription, type NamedResource } from '../index.ts';

const meshConfig = parseMeshConfig({});
if (!meshConfig.ok) throw new Error('mesh config');
const pod = (name: string, ips: string[]): object => ({ metadata: { name, namespace: 'a', labels: { app: name, 'security.istio.io/tlsMode': 'istio' } }, status: { phase: 'Running', podIP: ips[0], podIPs: ips.map((ip) => ({ ip })) } });
const { snapshot } = buildSnapshot({
  number: 1, meshConfig: meshConfig.value, rootNamespace: 'istio-system', domain: 'cluster.local', trustDomain: 'cluster.local', namespaces: [{ metadata: { name: 'a' } }], config: [],
  services: [{ metadata: { name: 'b', namespace: 'a' }, spec: { clusterIP: '10.96.0.1', clusterIPs: ['10.96.0.1', 'fd00::1'], selector: { app: 'b' }, ports: [{ name: 'tcp', port: 99 }] } }],
  pods: [pod('b', ['10.0.0.2', 'fd01::2'])],
  endpointSlices: [['IPv4', '10.0.0.2'], ['IPv6', 'fd01::2']].map(([addressType = '', address = '']) => ({
    metadata: { name: `b-${addressType}`, namespace: 'a', labels: { 'kubernetes.io/service-name': 'b' } }, addressType, ports: [{ name: 'tcp', port: 99 }], endpoints: [{ addresses: [address], conditions: { ready: true } }],
  })),
});

const socket = (address: Address | undefined): string => (address?.address?.$case === 'socketAddress' ? address.address.socketAddress.address ?? '' : '');

function resources(ips: string, typeUrl: string, names: 'wildcard' | string[] = 'wildcard', mode = 'REDIRECT'): readonly NamedResource[] {
  const proxy = parseProxyDescription({ id: `sidecar~${ips.split(',')[0] ?? ''}~b.a~a.svc.cluster.local`, metadata: { INTERCEPTION_MODE: mode, INSTANCE_IPS: ips, LABELS: { app: 'b' }, MIZZEN_VERSION: '3' } });
  if (!proxy.ok) throw new Error('proxy');
  return createTranslator().generate(snapshot, proxy.value, typeUrl, names);
}

describe('a proxy of a pod with', () => {
  it.each([
    ['IPv4', '10.0.0.2', ['0.0.0.0'], ['127.0.0.6'], ['10.0.0.2']],
    ['IPv6', 'fd01::2', ['::'], ['::6'], ['fd01::2']],
    ['both, IPv4 first', '10.0.0.2,fd01::2', ['0.0.0.0', '::'], ['127.0.0.6', '::6'], ['10.0.0.2', 'fd01::2']],
    ['both, IPv6 first', 'fd01::2,10.0.0.2', ['0.0.0.0', '::'], ['127.0.0.6', '::6'], ['10.0.0.2', 'fd01::2']],
  ])('%s listens on its wildcards, calls its application from their sources, and is told endpoints it can reach', (_families, ips, wildcards, sources, endpoints) => {
    for (const name of ['virtualInbound', 'virtualOutbound']) {
      const listener = resources(ips, TYPE_URLS.listener).find((one) => one.name === name)?.message as Listener;
      expect([listener.address, ...(listener.additionalAddresses ?? []).map(({ address }) => address)].map(socket), name).toEqual(wildcards);
    }
    for (const name of ['InboundPassthroughCluster', 'inbound|99||']) {
      const bind = (resources(ips, TYPE_URLS.cluster).find((one) => one.name === name)?.message as Cluster).upstreamBindConfig;
      expect([bind?.sourceAddress?.address, ...(bind?.extraSourceAddresses ?? []).map(({ address }) => address?.address)], name).toEqual(sources);
    }
    const assignment = resources(ips, TYPE_URLS.endpoint, ['outbound|99||b.a.svc.cluster.local'])[0]?.message as ClusterLoadAssignment;
    const list = (assignment.endpoints ?? []).flatMap(({ lbEndpoints }) => lbEndpoints ?? []);
    expect(list.map(({ hostIdentifier }) => (hostIdentifier?.$case === 'endpoint' ? socket(hostIdentifier.endpoint.address) : ''))).toEqual(endpoints);
    // Its own proxy takes mutual TLS on either address.
    for (const { metadata } of list) expect(metadata?.filterMetadata?.['envoy.transport_socket_match']).toEqual({ tlsMode: 'istio' });
  });

  it('TPROXY keeps the client\'s address towards the application', () => {
    const listener = resources('10.0.0.2', TYPE_URLS.listener, 'wildcard', 'TPROXY').find(({ name }) => name === 'virtualInbound')?.message as Listener;
    expect([listener.transparent, listener.listenerFilters?.map(({ name }) => name)]).toEqual([true, ['original_dst', 'original_src', 'tls_inspector', 'http_inspector'].map((name) => `envoy.filters.listener.${name}`)]);
  });
});
