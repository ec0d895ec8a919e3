// The certificate of the operator's own webhooks: an authority kept in a secret, a server certificate renewed before it expires,
// and the caBundle of the webhook configurations kept equal to the authority.
import { SecretResource, type Secret as KubeSecret } from '../shared/api/core/cluster.ts';
import { MutatingWebhookConfigurationResource, ValidatingWebhookConfigurationResource, type WebhookConfiguration } from '../shared/api/core/access.ts';
import type { ResourceType } from '../shared/api/meta/index.ts';
import type { ServerIdentity } from '../shared/http/index.ts';
import { isNotFound, KubeError, type KubeClient } from '../shared/kube/index.ts';
import { CertificateAuthority } from '../shared/pki/index.ts';

/** Secret in the operator's namespace with the authority of its webhooks. */
export const WEBHOOK_SECRET = 'mizzen-operator-webhook-ca';
const LIFETIME_MILLISECONDS = 90 * 24 * 3_600_000;

/** Name of both webhook configurations. */
export function webhookConfigurationName(operatorNamespace: string): string {
  return `${operatorNamespace}.servicemesh-resources.maistra.io`;
}

/** The authority of the webhooks: replicas share the one in the secret. */
export async function loadWebhookAuthority(client: KubeClient, namespace: string): Promise<CertificateAuthority> {
  const present = await client.find(SecretResource, WEBHOOK_SECRET, namespace);
  if (present) return fromSecret(present);
  const authority = await CertificateAuthority.createSelfSigned({ organization: 'mizzen-operator' });
  const data = { 'ca-cert.pem': encode(authority.certificatePem), 'ca-key.pem': encode(authority.privateKeyPem.reveal()) };
  try {
    await client.create(SecretResource, { metadata: { name: WEBHOOK_SECRET, namespace }, type: 'Opaque', data });
    return authority;
  } catch (error) {
    if (error instanceof KubeError && error.isAlreadyExists()) return fromSecret(await client.get(SecretResource, WEBHOOK_SECRET, namespace));
    throw error;
  }
}

/** A server certificate for the webhooks' Service. */
export async function issueWebhookIdentity(authority: CertificateAuthority, service: string, namespace: string): Promise<ServerIdentity> {
  const host = `${service}.${namespace}.svc`;
  return authority.issueWithNewKey({ dnsNames: [host, `${host}.cluster.local`], commonName: host, lifetimeMilliseconds: LIFETIME_MILLISECONDS });
}

/** Writes the authority into both configurations where it differs; a configuration that is not installed is left so. Returns whether one is missing. */
export async function publishAuthority(client: KubeClient, authority: CertificateAuthority, operatorNamespace: string): Promise<boolean> {
  const caBundle = encode(authority.rootPem);
  const name = webhookConfigurationName(operatorNamespace);
  let missing = false;
  for (const type of [MutatingWebhookConfigurationResource, ValidatingWebhookConfigurationResource] as readonly ResourceType<WebhookConfiguration>[]) {
    try {
      const present = await client.get(type, name);
      const operations = (present.webhooks ?? []).flatMap((webhook, index) => (webhook.clientConfig.caBundle === caBundle ? [] : [{ op: 'add', path: `/webhooks/${index}/clientConfig/caBundle`, value: caBundle }]));
      if (operations.length > 0) await client.patch(type, name, undefined, operations, { kind: 'json', fieldManager: 'mizzen-operator' });
    } catch (error) {
      if (!isNotFound(error)) throw error;
      missing = true;
    }
  }
  return missing;
}

function fromSecret({ data = {} }: KubeSecret): Promise<CertificateAuthority> {
  return CertificateAuthority.load(decode(data['ca-cert.pem']), decode(data['ca-key.pem']));
}

function encode(text: string): string {
  return Buffer.from(text).toString('base64');
}

function decode(text: string | undefined): string {
  return Buffer.from(text ?? '', 'base64').toString('utf8');
}
