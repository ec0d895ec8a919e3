// The node agent: keeps the CNI plugin on its node, captures pods on the plugin's request, and repairs those that started without it. Without the plugin it only says that its node is ready.
import { parseArgs } from 'node:util';
import { PodResource } from '../shared/api/core/workloads.ts';
import { HttpServer, healthRoute } from '../shared/http/index.ts';
import { KubeClient } from '../shared/kube/index.ts';
import type { Component } from '../shared/process/index.ts';
import { SOCKET_ROOT } from './cni/index.ts';
import { isUninstalled, ownRuntimeFiles, PluginInstaller } from './install/index.ts';
import { PodRepair } from './repair/index.ts';
import { CaptureService } from './service/index.ts';

const READINESS_PORT = 8000;

/** What the container's environment says. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The DaemonSet's components; `pluginFile` is the plugin to be installed. */
export function createNodeAgent(args: readonly string[], environment: Environment, pluginFile: string, port = READINESS_PORT): readonly Component[] {
  const { values } = parseArgs({
    args: args[0] === 'node-agent' ? args.slice(1) : [...args],
    options: {
      'install-plugin': { type: 'string', default: 'false' }, chained: { type: 'string', default: 'true' }, 'plugin-name': { type: 'string', default: 'istio-cni' }, 'daemon-set': { type: 'string', default: 'istio-cni-node' },
      'bin-dir': { type: 'string', default: '/host/opt/cni/bin' }, 'config-dir': { type: 'string', default: '/host/etc/cni/net.d' },
      'namespace-dir': { type: 'string', default: '/var/run/netns' }, 'socket-dir': { type: 'string', default: SOCKET_ROOT },
    },
  });
  const problems: (() => string | undefined)[] = [];
  const probes = new HttpServer({ name: 'probes', port, routes: [healthRoute('/healthz'), healthRoute('/readyz', () => problems.map((problem) => problem()).find((problem) => problem !== undefined))] });
  if (values['install-plugin'] !== 'true') return [probes];
  const plugin = values['plugin-name'];
  const namespace = environment['POD_NAMESPACE'] ?? 'istio-system';
  const namespaceDirectory = values['namespace-dir'];
  const client = KubeClient.fromDefault({ userAgent: 'mizzen-node-agent' });
  const service = new CaptureService({
    plugin, socketDirectory: `${values['socket-dir']}/${plugin}`, agent: environment['POD_NAME'] ?? 'agent', namespaceDirectory,
    annotationsOf: async (podNamespace, name) => (await client.find(PodResource, name, podNamespace))?.metadata?.annotations,
  });
  const installer = new PluginInstaller({
    plugin, pluginFile, runtime: ownRuntimeFiles, binDirectory: values['bin-dir'], configDirectory: values['config-dir'], socketDirectory: `${SOCKET_ROOT}/${plugin}`, lock: `${values['socket-dir']}/configuration.lock`,
    meshNamespace: namespace, excludeNamespaces: ['kube-system'], chained: values.chained === 'true',
    isUninstalled: () => isUninstalled(client, namespace, values['daemon-set']), hasCompany: () => service.hasCompany(),
  });
  const repair = new PodRepair({ client, node: environment['NODE_NAME'] ?? '', namespaceDirectory });
  problems.push(() => service.problem(), () => installer.problem());
  // The plugin comes after what it asks, and goes before it.
  return [service, installer, repair, probes];
}
