// The node agent: readiness, and the CNI plugin when the mesh uses one. Also the init container's command, which captures a pod's traffic.
import { parseArgs } from 'node:util';
import { HttpServer, healthRoute } from '../shared/http/index.ts';
import { formatIssue } from '../shared/lib/index.ts';
import type { Component } from '../shared/process/index.ts';
import { parseCaptureArguments, planCapture } from './capture/index.ts';
import { applyCapture, programRunner, type RunProgram } from './firewall/index.ts';
import { PluginInstaller } from './install/index.ts';

const READINESS_PORT = 8000;

/** The DaemonSet's components; `pluginFile` is the plugin to be installed. */
export function createNodeAgent(args: readonly string[], pluginFile: string, port = READINESS_PORT): readonly Component[] {
  const { values } = parseArgs({
    args: args[0] === 'node-agent' ? args.slice(1) : [...args],
    options: {
      'install-plugin': { type: 'string', default: 'false' }, chained: { type: 'string', default: 'true' },
      'bin-dir': { type: 'string', default: '/host/opt/cni/bin' }, 'config-dir': { type: 'string', default: '/host/etc/cni/net.d' },
    },
  });
  const installer = values['install-plugin'] === 'true'
    ? new PluginInstaller({ pluginFile, binDirectory: values['bin-dir'], configDirectory: values['config-dir'], chained: values.chained === 'true' })
    : undefined;
  const probes = new HttpServer({ name: 'probes', port, routes: [healthRoute('/healthz'), healthRoute('/readyz', () => installer?.problem())] });
  return installer ? [installer, probes] : [probes];
}

/** The init container's command `istio-iptables`: captures the traffic of the network namespace that it runs in. Throws with what is wrong. */
export async function captureOwnNamespace(args: readonly string[], run: RunProgram = programRunner()): Promise<void> {
  const options = parseCaptureArguments(args);
  if (!options.ok) throw new Error(options.error.map(formatIssue).join('; '));
  await applyCapture(planCapture(options.value), run);
}
