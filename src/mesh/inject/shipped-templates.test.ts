// The injection templates as they are shipped: what they ask of a pod's security, and what they tell the CNI plugin.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { injectPod, parseInjectionConfig, type Pod } from './index.ts';

const templates = join(import.meta.dirname, '../../../templates');

type Container = NonNullable<NonNullable<Pod['spec']>['containers']>[number];

/** Injects with a shipped template. */
function inject(version: string, istioCni: object, annotations: Record<string, string> = {}, kind = 'sidecar'): { containers: Container[]; inits: Container[]; annotations: Record<string, string> } {
  const text = readFileSync(join(templates, version, `injection/${kind}.yaml.hbs`), 'utf8');
  const config = parseInjectionConfig(stringify({ policy: 'enabled', defaultTemplates: [kind], templates: { [kind]: text } }));
  if (!config.ok) throw new Error(JSON.stringify(config.error));
  const pod: Pod = { metadata: { name: 'p', annotations }, spec: { containers: [{ name: kind === 'gateway' ? 'istio-proxy' : 'app', image: 'auto' }] } };
  const values = {
    istio_cni: istioCni, sidecarInjection: { nativeSidecars: version === 'v3.1' },
    global: { caAddress: 'istiod:15012', multiCluster: { clusterName: 'Kubernetes' }, meshID: 'm', proxy: { image: 'mizzen/mizzen-proxy:v', excludeInboundPorts: '9000' }, proxy_init: { image: 'mizzen/mizzen-cni:v' } },
  };
  const result = injectPod(pod, { config: config.value, values, meshConfig: {}, namespace: { name: 'n', labels: {} }, revision: 'basic', istioNamespace: 'istio-system', trustDomain: 'cluster.local', domain: 'cluster.local' });
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  if ('skipped' in result.value) throw new Error(result.value.skipped);
  const { spec, metadata } = result.value.pod;
  return { containers: [...(spec?.containers ?? [])], inits: [...(spec?.initContainers ?? [])], annotations: metadata?.annotations ?? {} };
}

/** What the pod security standard `restricted` asks of a container. */
const RESTRICTED = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] }, runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' }, readOnlyRootFilesystem: true };
const CHAINED = { enabled: true, chained: true, istio_cni_network: 'v3-x-istio-cni' };
const own = (containers: readonly Container[]): Container[] => containers.filter((container) => container.name.startsWith('istio-'));

describe.each(['v3.0', 'v3.1'])('the templates of %s', (version) => {
  test('ask for nothing that restricted pod security forbids when the CNI plugin captures', () => {
    const { containers, inits } = inject(version, CHAINED);
    const ours = [...own(inits), ...own(containers)];
    expect(ours.map((container) => container.name)).toEqual(['istio-validation', 'istio-proxy']);
    for (const container of ours) {
      expect(container['securityContext'], container.name).toMatchObject(RESTRICTED);
      expect(container['securityContext'], container.name).not.toHaveProperty('capabilities.add');
    }
    expect(own(inject(version, CHAINED, {}, 'gateway').containers)[0]?.['securityContext']).toMatchObject(RESTRICTED);
  });

  test('tell the plugin all that the init container would be told', () => {
    const asked = { 'traffic.sidecar.istio.io/excludeOutboundPorts': '5432', 'traffic.sidecar.istio.io/includeOutboundIPRanges': '10.0.0.0/8', 'proxy.istio.io/config': '{"proxyMetadata":{"ISTIO_META_DNS_CAPTURE":"true"}}' };
    expect(inject(version, CHAINED, asked).annotations).toMatchObject({
      'maistra.io/cni-plugin': 'v3-x-istio-cni', 'maistra.io/capture-dns': 'true', 'sidecar.istio.io/interceptionMode': 'REDIRECT', 'traffic.sidecar.istio.io/includeInboundPorts': '*',
      'traffic.sidecar.istio.io/excludeInboundPorts': '15090,15021,15020,9000', 'traffic.sidecar.istio.io/excludeOutboundPorts': '5432', 'traffic.sidecar.istio.io/includeOutboundIPRanges': '10.0.0.0/8',
    });
    expect(inject(version, CHAINED, asked).annotations).not.toHaveProperty('k8s.v1.cni.cncf.io/networks');
    const [init] = inject(version, { enabled: false }, asked).inits;
    expect(init).toMatchObject({ name: 'istio-init', image: 'mizzen/mizzen-cni:v', securityContext: { capabilities: { add: ['NET_ADMIN', 'NET_RAW'], drop: ['ALL'] } } });
    expect((init?.['args'] as string[]).join(' ')).toContain('-i 10.0.0.0/8 -x  -b * -d 15090,15021,15020,9000 -q  -o 5432 -c  -k  --redirect-dns');
  });

  test('add the mesh\'s network to those that a pod asks Multus for', () => {
    const multus = { ...CHAINED, chained: false, network_attachment: 'v3-x-istio-cni-mesh' };
    const networks = (annotations: Record<string, string>): string | undefined => inject(version, multus, annotations).annotations['k8s.v1.cni.cncf.io/networks'];
    expect(networks({})).toBe('default/v3-x-istio-cni-mesh');
    expect(networks({ 'k8s.v1.cni.cncf.io/networks': 'storage' })).toBe('storage,default/v3-x-istio-cni-mesh');
    expect(JSON.parse(networks({ 'k8s.v1.cni.cncf.io/networks': '[{"name":"storage"}]' }) ?? '')).toEqual([{ name: 'storage' }, { name: 'v3-x-istio-cni-mesh', namespace: 'default' }]);
  });

  test('give the proxy the one capability that transparent sockets need', () => {
    const { containers, inits } = inject(version, CHAINED, { 'sidecar.istio.io/interceptionMode': 'TPROXY' });
    const proxy = own([...inits, ...containers]).find((container) => container.name === 'istio-proxy');
    expect(proxy?.['securityContext']).toMatchObject({ allowPrivilegeEscalation: false, capabilities: { add: ['NET_ADMIN'], drop: ['ALL'] }, runAsUser: 0, runAsGroup: 1337 });
  });

  test('capture nothing where the application knows its proxy', () => {
    const { inits, annotations } = inject(version, CHAINED, { 'sidecar.istio.io/interceptionMode': 'NONE' });
    expect(inits.filter((container) => container.name !== 'istio-proxy')).toEqual([]);
    expect(annotations).not.toHaveProperty('maistra.io/cni-plugin');
  });
});
