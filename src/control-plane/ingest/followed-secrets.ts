// The Secrets that somebody asks for by name: gateways for their certificates, the Gateway API for its verdicts. Both follow them here, so that each has one watch.
import { SecretResource, type Secret } from '../../shared/api/core/cluster.ts';
import { ObjectFollower, type KubeClient } from '../../shared/kube/index.ts';

/** More than any mesh has of gateways' certificates, and not more than an API server bears of watches from one client. */
const MAXIMUM_SECRETS = 2_000;
/** What the certificates and authorities of gateways are called in a Secret. */
const NAMES = new Set(['tls.crt', 'tls.key', 'ca.crt', 'cert', 'key', 'cacert']);

/** Follows Secrets by `namespace/name`, and keeps of each its type, certificates and key. */
export function followSecrets(client: KubeClient, maximum = MAXIMUM_SECRETS): ObjectFollower<Secret> {
  return new ObjectFollower(client, SecretResource, { maximum, transform: trimSecret });
}

function trimSecret({ metadata, type, data }: Secret): Secret {
  const kept = Object.entries(data ?? {}).filter(([name]) => NAMES.has(name));
  return { metadata: { name: metadata?.name, namespace: metadata?.namespace }, ...(type === undefined ? {} : { type }), data: Object.fromEntries(kept) };
}
