// Where gateways' certificates come from: the ADS server's view of whoever reads Kubernetes secrets.
import type { NamedResource, ProxyDescription } from '../../mesh/index.ts';

/** Gives proxies the secrets that they may have. */
export interface SecretSource {
  /** Of `names`, those that exist and that the proxy's service account may read. */
  secretsFor(proxy: ProxyDescription, names: readonly string[]): Promise<readonly NamedResource[]>;
  /** From now on this very proxy asks for none but `names`. */
  keepOnly(proxy: ProxyDescription, names: ReadonlySet<string>): void;
  /** The connection of this very proxy has ended; it asks for nothing any more. */
  release(proxy: ProxyDescription): void;
}
