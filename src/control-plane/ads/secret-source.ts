// Where gateways' certificates come from: the ADS server's view of whoever reads Kubernetes secrets.
import type { NamedResource, ProxyDescription } from '../../mesh/index.ts';

/** Gives proxies the secrets that they may have. */
export interface SecretSource {
  /** Of `names`, those that exist and that the proxy's service account may read. */
  secretsFor(proxy: ProxyDescription, names: readonly string[]): Promise<readonly NamedResource[]>;
}
