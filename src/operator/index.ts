// The operator: builds its components from options.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { HttpServer, healthRoute, loggingRoutes, metricsRoute } from '../shared/http/index.ts';
import { discoverGroups, LeaderElector, type KubeClient, type KubeConfigOptions } from '../shared/kube/index.ts';
import { createLogger } from '../shared/observability/index.ts';
import type { Component } from '../shared/process/index.ts';
import { createAdmission } from './admission-server.ts';
import { MeshOperator } from './mesh-operator.ts';
import type { OperatorOptions } from './options.ts';
import { fromOwnPod } from './own-pod.ts';
import { buildRegistrations } from './registrations.ts';
import { loadVersionRegistry } from './template-files.ts';

export { operatorFlags, parseOperatorOptions, type OperatorOptions } from './options.ts';
export { loadVersionRegistry, readTextFiles } from './template-files.ts';

/** Name of the Lease that the leading replica holds. */
export const LEASE_NAME = 'istio-operator-lock';

const log = createLogger('operator');

/** The operator's components in the order of their start; `onLost` is called when the lead is lost, and must end the program. */
export function createOperator(client: KubeClient, options: OperatorOptions, onLost: () => void, kubeConfig: KubeConfigOptions = {}): readonly Component[] {
  const registry = loadVersionRegistry(options.templatesDirectory, options.relatedImages);
  const bind = options.bindAddress === undefined ? {} : { host: options.bindAddress };
  const admission = createAdmission({
    client, registry, operatorNamespace: options.namespace, manageConfigurations: options.manageWebhooks,
    serviceName: 'mizzen-operator', port: options.webhookPort, ...bind,
  });
  let running: MeshOperator | undefined;

  async function lead(signal: AbortSignal): Promise<void> {
    const groups = await discoverGroups(client);
    const { registrations, informers } = buildRegistrations({
      client, registry, operatorVersion: options.version, operatorNamespace: options.namespace, platform: groups.has('config.openshift.io') ? 'openshift' : 'kubernetes',
      memberReconcilers: options.memberReconcilers, ...(options.waveDeadlineSeconds === undefined ? {} : { waveDeadlineSeconds: options.waveDeadlineSeconds }),
    });
    running = new MeshOperator(client, options.version, registrations, informers, kubeConfig);
    if (options.manageCrds) for (const file of readdirSync(options.crdsDirectory).filter((name) => name.endsWith('.yaml')).sort()) await running.registerCustomResourceDefinition(join(options.crdsDirectory, file));
    await running.start(signal);
    log.info({ versions: registry.installable, version: options.version }, 'controllers started');
  }

  const elector = new LeaderElector(client, {
    namespace: options.namespace, name: LEASE_NAME, identity: options.podName,
    leaseMilliseconds: options.leaseSeconds * 1000, renewDeadlineMilliseconds: options.renewSeconds * 1000, retryMilliseconds: options.retrySeconds * 1000,
    onStartedLeading: lead, onLost,
  });
  const controllers: Component = {
    name: 'controllers',
    start: async (signal) => (options.leaderElect ? elector.start(signal) : lead(signal)),
    stop: async () => {
      await running?.stop();
      if (options.leaderElect) await elector.stop();
    },
  };
  const probes = new HttpServer({ name: 'probes', port: options.probePort, ...bind, routes: [healthRoute('/healthz'), healthRoute('/readyz', () => admission.problem())] });
  const metrics = new HttpServer({ name: 'metrics', port: options.metricsPort, ...bind, routes: [metricsRoute(), ...loggingRoutes().map(fromOwnPod)] });
  return [probes, metrics, ...admission.components, controllers];
}
