// Finds out which API server to speak to and as whom: a kubeconfig or the pod's service account. The home of client-node's KubeConfig,
// which brings every kind of credential (certificates, tokens, token files, exec plugins, OIDC).
import { KubeConfig } from '@kubernetes/client-node';
import { existsSync } from 'node:fs';

const TOKEN_FILE = '/var/run/secrets/kubernetes.io/serviceaccount/token';

/** Where the configuration comes from; nothing given means the usual order. */
export interface KubeConfigOptions {
  /** Path of a kubeconfig file. */
  readonly kubeconfig?: string;
  /** A kubeconfig's text; wins over `kubeconfig`. */
  readonly kubeconfigText?: string;
  /** Name of the context to use; the file's own current context when absent. */
  readonly context?: string;
}

/**
 * Loads the configuration: the given one, else KUBECONFIG, else the pod's service account, else ~/.kube/config.
 * The service account goes before the home directory, so that a program started as a pod's container never reaches for its user's own cluster.
 */
export function loadKubeConfig(options: KubeConfigOptions = {}): KubeConfig {
  const config = new KubeConfig();
  if (options.kubeconfigText !== undefined) config.loadFromString(options.kubeconfigText);
  else if (options.kubeconfig !== undefined) {
    if (!existsSync(options.kubeconfig)) throw new Error(`there is no kubeconfig ${options.kubeconfig}`);
    config.loadFromFile(options.kubeconfig);
  }
  else if (!process.env.KUBECONFIG && process.env.KUBERNETES_SERVICE_HOST && existsSync(TOKEN_FILE)) config.loadFromCluster();
  else config.loadFromDefault();
  if (options.context !== undefined) {
    if (!config.getContextObject(options.context)) {
      throw new Error(`the kubeconfig has no context '${options.context}'; it has: ${config.getContexts().map((context) => context.name).join(', ')}`);
    }
    config.setCurrentContext(options.context);
  }
  if (!config.getCurrentCluster()) throw new Error('the kubeconfig names no cluster to use; set current-context or choose one with a context');
  return config;
}
