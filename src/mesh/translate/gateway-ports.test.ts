// Gateways stored from before their ports were checked: those on the proxy's own ports are left out, the rest stays.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { MeshConfig } from '../../shared/api/mesh-config/mesh-config.ts';
import { TYPE_URLS } from '../../shared/xds/index.ts';
import { buildSnapshot, createTranslator, parseProxyDescription, type SnapshotInput } from '../index.ts';
import type { ConfigObject } from '../model/inputs.ts';

const bookinfo = parse(readFileSync(new URL('testdata/bookinfo.yaml', import.meta.url), 'utf8')) as Pick<SnapshotInput, 'services' | 'pods' | 'endpointSlices' | 'namespaces'>;
const server = (number: number) => ({ port: { number, name: `p${number}`, protocol: 'HTTP' }, hosts: ['*'] });

it.each([15000, 15020, 15021, 15090])('a server on port %s gives no listener', (number) => {
  const config = [{ apiVersion: 'networking.istio.io/v1', kind: 'Gateway', metadata: { name: 'g', namespace: 'bookinfo' }, spec: { selector: { istio: 'ingressgateway' }, servers: [server(number), server(9999)] } }];
  const { snapshot } = buildSnapshot({ number: 1, meshConfig: MeshConfig.parse({}), rootNamespace: 'istio-system', domain: 'cluster.local', trustDomain: 'cluster.local', ...bookinfo, config: config as ConfigObject[] });
  const proxy = parseProxyDescription({ id: 'router~127.10.1.5~gateway-1.istio-system~istio-system.svc.cluster.local', metadata: { NAMESPACE: 'istio-system', LABELS: { istio: 'ingressgateway' }, MIZZEN_VERSION: '3.0.0' } });
  if (!proxy.ok) throw new Error(JSON.stringify(proxy.error));
  const names = createTranslator().generate(snapshot, proxy.value, TYPE_URLS.listener, 'wildcard').map(({ name }) => name);
  expect(names).toEqual(['0.0.0.0_9999']);
});
