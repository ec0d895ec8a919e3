// From responses to the running configuration, without a control plane: warming of names that leave and come back, and the version that responses carry.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { packAny, TYPE_URLS } from '../../shared/xds/index.ts';
import { Cluster } from '../../shared/xds/generated/envoy/config/cluster/v3/cluster.ts';
import type { Any } from '../../shared/xds/generated/google/protobuf/any.ts';
import type { RuntimeConfig } from '../config/index.ts';
import { configDump } from '../admin/config-dump.ts';
import { protocolFor } from './ads-protocol.ts';
import { Configuration } from './configuration.ts';
import { ResourceStore } from './resource-store.ts';

const ads = { configSourceSpecifier: { $case: 'ads' as const, ads: {} } };
const cluster = (name: string): Any => packAny('envoy.config.cluster.v3.Cluster', Cluster, { name, clusterDiscoveryType: { $case: 'type', type: 3 }, edsClusterConfig: { edsConfig: ads, serviceName: name } });

let configuration: Configuration;
afterEach(() => configuration.stop());

function setUp(delta: boolean, warmingLimitMilliseconds: number) {
  const store = new ResourceStore();
  const applied: RuntimeConfig[] = [];
  configuration = new Configuration({
    store, hasSecret: () => true, warmingLimitMilliseconds,
    apply: (config) => {
      applied.push(config);
      return { rejected: [] };
    },
  });
  return { store, applied, configuration, protocol: protocolFor(delta, store, false) };
}

it('a cluster that left and comes back warms again', async () => {
  const { protocol, configuration: made } = setUp(false, 40);
  const take = (...names: string[]): void => {
    protocol.take({ typeUrl: TYPE_URLS.cluster, resources: names.map(cluster), versionInfo: '1', nonce: 'n' } as never);
    made.update();
  };
  take('kept', 'coming');
  await sleep(60);
  made.update();
  expect(made.warming.clusters).toEqual([]);
  take('kept');
  expect(Object.keys(made.current.clusters)).toEqual(['kept']);
  take('kept', 'coming');
  expect(made.warming.clusters).toEqual(['coming']);
  expect(Object.keys(made.current.clusters)).toEqual(['kept']);
});

it.each([[true, { systemVersionInfo: '42', resources: [{ name: 'a', version: 'bytes-7f', resource: cluster('a') }] }], [false, { versionInfo: '42', resources: [cluster('a')] }]])('dumps the snapshot\'s number as the version of the whole (delta: %s)', (delta, response) => {
  const { store, protocol, configuration: made } = setUp(delta, 1_000);
  protocol.take({ typeUrl: TYPE_URLS.cluster, nonce: 'n', ...response } as never);
  made.update();
  const dump = configDump({ store, configuration: made, secrets: () => [], bootstrap: {} }, { includeEndpoints: false }) as { configs: { '@type': string; version_info?: string }[] };
  expect(dump.configs.find((part) => part['@type'].endsWith('ClustersConfigDump'))?.version_info).toBe('42');
});
