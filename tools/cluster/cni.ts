// The pod network of a node: the bridge plugin with addresses from the node's range. Other nodes' pods are reached by route, with their own addresses:
// nothing masquerades, so that a server sees who really called.
import { copyFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { IpFamily } from './cables.ts';
import { CNI_BINARIES, CNI_CONFIGURATION } from './containerd.ts';
import type { NodeLayout } from './layout.ts';
import { privateFolder } from './node-namespaces.ts';

/** Where distributions put the plugins. */
const PLUGIN_FOLDERS = ['/usr/lib/cni', '/opt/cni/bin', '/usr/libexec/cni'];
const NEEDED = ['bridge', 'host-local', 'portmap', 'loopback'];

/** The folder of the machine that holds the plugins a node needs; undefined when there is none. */
export function pluginFolder(): string | undefined {
  return PLUGIN_FOLDERS.find((folder) => NEEDED.every((plugin) => existsSync(join(folder, plugin))));
}

/** Puts plugins and network configuration where the runtime, and pods that install further plugins, look for them. */
export function installPodNetwork(node: NodeLayout, family: IpFamily): void {
  const source = pluginFolder();
  const binaries = privateFolder(node, CNI_BINARIES);
  const configurations = privateFolder(node, CNI_CONFIGURATION);
  mkdirSync(binaries, { recursive: true });
  mkdirSync(configurations, { recursive: true });
  for (const plugin of source === undefined ? [] : readdirSync(source).filter((name) => NEEDED.includes(name))) copyFileSync(join(source ?? '', plugin), join(binaries, plugin));
  const dual = family === 'dual';
  const network = {
    cniVersion: '0.4.0', name: 'pods',
    plugins: [
      {
        type: 'bridge', bridge: 'cni0', isGateway: true, ipMasq: false, hairpinMode: true,
        ipam: {
          type: 'host-local', dataDir: '/run/cni-addresses',
          ranges: [[{ subnet: node.podNetwork }], ...(dual ? [[{ subnet: node.podNetwork6 }]] : [])],
          routes: [{ dst: '0.0.0.0/0' }, ...(dual ? [{ dst: '::/0' }] : [])],
        },
      },
      { type: 'portmap', capabilities: { portMappings: true } },
    ],
  };
  writeFileSync(join(configurations, '10-pods.conflist'), `${JSON.stringify(network, null, 2)}\n`);
}
