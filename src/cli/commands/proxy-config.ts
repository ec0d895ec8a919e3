// `mizzen proxy-config`: the configuration of one proxy, as the control plane that it is connected to has made it.
import { KubeClient } from '../../shared/kube/index.ts';
import { livePods } from '../cluster/readiness.ts';
import { getFromPod } from '../cluster/proxy-admin.ts';
import { CommandError, defineCommand } from './command.ts';

/** Prints a proxy's configuration as JSON. */
export const proxyConfigCommand = defineCommand({
  name: 'proxy-config',
  summary: 'Print the configuration of one proxy',
  argumentsText: 'POD[.NAMESPACE]',
  description: 'Prints the configuration of a pod\'s proxy as JSON, from the control plane that the proxy is connected to.',
  options: { namespace: { kind: 'string', default: 'istio-system', help: 'Namespace of the control plane' }, kubeconfig: { kind: 'string', help: 'Path of the kubeconfig' } },
  run: async ({ namespace, kubeconfig }, rest, { stdout }) => {
    const [target, surplus] = rest;
    if (!target || surplus !== undefined) throw new CommandError('name one pod: mizzen proxy-config POD.NAMESPACE', 2);
    const proxy = target.includes('.') ? target : `${target}.default`;
    const client = KubeClient.fromDefault(kubeconfig ? { kubeconfig } : {});
    for (const pod of await livePods(client, namespace, 'app=istiod')) {
      const name = pod.metadata?.name ?? '';
      const proxies = JSON.parse(await getFromPod(client, namespace, name, 15014, '/debug/syncz')) as { proxy?: string }[];
      if (!proxies.some((one) => one.proxy === proxy)) continue;
      stdout.write(`${await getFromPod(client, namespace, name, 15014, `/debug/config_dump?proxyID=${encodeURIComponent(proxy)}`)}\n`);
      return 0;
    }
    throw new CommandError(`no control plane pod in '${namespace}' has a connection from proxy '${proxy}'; 'mizzen proxy-status' lists those there are`);
  },
});
