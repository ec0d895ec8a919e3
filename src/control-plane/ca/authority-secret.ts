// The authority's secret: `cacerts` (brought by the user) before `istio-ca-secret` (self-signed, made by the operator or by us).
// Keys: ca-cert.pem, ca-key.pem, root-cert.pem, cert-chain.pem; while a root is being replaced also next-ca-cert.pem, next-ca-key.pem, next-ca-since.
import { SecretResource, type Secret as KubernetesSecret } from '../../shared/api/core/cluster.ts';
import { KubeError, type KubeClient } from '../../shared/kube/index.ts';
import { CertificateAuthority, TrustBundle } from '../../shared/pki/index.ts';

/** Names in order of preference. */
export const PLUGGED_IN_SECRET = 'cacerts';
export const SELF_SIGNED_SECRET = 'istio-ca-secret';

/** An authority as a secret describes it. */
export interface LoadedAuthority {
  readonly authority: CertificateAuthority;
  /** Every root that verifiers must trust now. */
  readonly bundle: TrustBundle;
  readonly selfSigned: boolean;
  /** The root that will take over, when one waits, and since when. */
  readonly next?: { readonly authority: CertificateAuthority; readonly since: Date };
  /** The secret's content, to see whether it changed and to write it back. */
  readonly secret: KubernetesSecret;
}

/** Reads the secret in force; undefined when there is none. Throws when it cannot be read or does not hold an authority. */
export async function readAuthoritySecret(client: KubeClient, namespace: string): Promise<LoadedAuthority | undefined> {
  for (const name of [PLUGGED_IN_SECRET, SELF_SIGNED_SECRET]) {
    const secret = await client.find(SecretResource, name, namespace);
    if (secret) return loadAuthority(secret, name === SELF_SIGNED_SECRET);
  }
  return undefined;
}

/** Makes a self-signed root and stores it, or reads the one that another replica stored first. */
export async function createAuthoritySecret(client: KubeClient, namespace: string, trustDomain: string): Promise<LoadedAuthority> {
  const authority = await CertificateAuthority.createSelfSigned({ organization: trustDomain });
  const secret: KubernetesSecret = {
    metadata: { name: SELF_SIGNED_SECRET, namespace, labels: { 'istio.io/managed-by': 'mizzend' } },
    type: 'istio.io/ca-root',
    data: encodeSecret({ 'ca-cert.pem': authority.certificatePem, 'ca-key.pem': authority.privateKeyPem.reveal(), 'root-cert.pem': authority.rootPem, 'cert-chain.pem': '' }),
  };
  try {
    return await loadAuthority(await client.create(SecretResource, secret), true);
  } catch (error) {
    if (!(error instanceof KubeError) || !error.isAlreadyExists()) throw error;
    const present = await readAuthoritySecret(client, namespace);
    if (!present) throw new Error(`secret ${SELF_SIGNED_SECRET} was made by another and is gone again`, { cause: error });
    return present;
  }
}

/** The authority in `secret`; throws with the secret's name when it is broken. */
export async function loadAuthority(secret: KubernetesSecret, selfSigned: boolean): Promise<LoadedAuthority> {
  const value = (...keys: string[]): string => Buffer.from(keys.map((key) => secret.data?.[key]).find((text) => text) ?? '', 'base64').toString('utf8');
  const name = secret.metadata?.name ?? '';
  // cert-manager writes tls.crt, tls.key and ca.crt instead.
  const certificatePem = value('ca-cert.pem', 'tls.crt');
  const keyPem = value('ca-key.pem', 'tls.key');
  if (certificatePem === '' || keyPem === '') throw new Error(`secret ${name} lacks ca-cert.pem or ca-key.pem; it needs both, and root-cert.pem and cert-chain.pem when the authority is not its own root`);
  try {
    const rootPem = value('root-cert.pem', 'ca.crt') || certificatePem;
    const roots = new TrustBundle(rootPem);
    const chainPem = value('cert-chain.pem', 'tls.crt');
    const authority = await CertificateAuthority.load(certificatePem, keyPem, { rootPem: roots.roots[0]?.pem ?? rootPem, ...(chainPem.trim() === '' ? {} : { chainPem }) });
    const next = value('next-ca-key.pem') === '' ? undefined : { authority: await CertificateAuthority.load(value('next-ca-cert.pem'), value('next-ca-key.pem')), since: new Date(value('next-ca-since')) };
    const bundle = new TrustBundle(rootPem, ...(next ? [next.authority.rootPem] : []));
    return { authority, bundle, selfSigned, secret, ...(next ? { next } : {}) };
  } catch (cause) {
    throw new Error(`secret ${name} does not hold a certificate authority`, { cause });
  }
}

/** Secret data from text values. */
export function encodeSecret(values: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, Buffer.from(value, 'utf8').toString('base64')]));
}
