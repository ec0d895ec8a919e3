// `mizzen proxy-config`: the configuration that one proxy really runs, from its own admin port.
import { getFromPod } from '../cluster/pod-request.ts';
import { CommandError, defineCommand } from './command.ts';
import { withCluster } from './with-cluster.ts';

const ADMIN_PORT = 15_000;
const pages: Readonly<Record<string, string>> = {
  all: '/config_dump', clusters: '/clusters', endpoints: '/config_dump?include_eds&resource=dynamic_endpoint_configs', listeners: '/listeners',
  routes: '/config_dump?resource=dynamic_route_configs', secret: '/config_dump?resource=dynamic_active_secrets', stats: '/stats',
};

/** Prints a page of a proxy's admin port. */
export const proxyConfigCommand = defineCommand({
  name: 'proxy-config',
  summary: 'Print the configuration of one proxy',
  argumentsText: '[all|clusters|endpoints|listeners|routes|secret|stats] POD[.NAMESPACE]',
  description: 'Prints what the proxy of a pod runs with, from the proxy\'s own admin port: all of its configuration as JSON, or its clusters, endpoints, listeners, routes, certificates (without private keys) or statistics.',
  options: { kubeconfig: { kind: 'string', help: 'Path of the kubeconfig' } },
  run: async ({ kubeconfig }, rest, { stdout }) => {
    const [page, target, surplus] = rest.length === 1 ? ['all', rest[0]] : rest;
    const path = pages[page ?? ''];
    if (path === undefined || !target || surplus !== undefined) throw new CommandError(`name one pod: mizzen proxy-config [${Object.keys(pages).join('|')}] POD.NAMESPACE`, 2);
    const [pod = '', namespace = 'default'] = target.split('.');
    stdout.write(`${(await withCluster(kubeconfig, (client) => getFromPod(client, namespace, pod, ADMIN_PORT, path))).trimEnd()}\n`);
    return 0;
  },
});
