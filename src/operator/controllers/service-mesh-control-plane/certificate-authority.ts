// The mesh's certificate authority: the secret `cacerts` when the user brought one, else `istio-ca-secret`, made once and never overwritten.
import { SecretResource, type Secret } from '../../../shared/api/core/cluster.ts';
import { ServiceMeshControlPlaneResource, type ServiceMeshControlPlane } from '../../../shared/api/maistra/v2/service-mesh-control-plane.ts';
import { CertificateAuthority } from '../../../shared/pki/index.ts';
import { KubeError, ownerReference, type KubeClient } from '../../../shared/kube/index.ts';
import { FIELD_MANAGER } from '../../apply/index.ts';
import { ownerLabels } from '../../manifest/index.ts';

const USER_SECRET = 'cacerts';
const OWN_SECRET = 'istio-ca-secret';

/** The PEM of the root certificate that the mesh's control plane is certified by; makes an authority when there is none. */
export async function ensureCertificateAuthority(client: KubeClient, mesh: ServiceMeshControlPlane, trustDomain: string): Promise<string> {
  const { namespace = '' } = mesh.metadata ?? {};
  const users = await client.find(SecretResource, USER_SECRET, namespace);
  if (users) return rootOf(users, namespace);
  const own = await client.find(SecretResource, OWN_SECRET, namespace) ?? await createSecret(client, mesh, trustDomain);
  return rootOf(own, namespace);
}

function rootOf(secret: Secret, namespace: string): string {
  const { data = {} } = secret;
  // cert-manager and older releases leave the root out when the authority is the root itself.
  const encoded = data['root-cert.pem'] || data['ca-cert.pem'] || data['tls.crt'];
  if (!encoded) throw new Error(`secret ${namespace}/${secret.metadata?.name ?? ''} holds no certificate; it needs ca-cert.pem, ca-key.pem, root-cert.pem and cert-chain.pem`);
  return Buffer.from(encoded, 'base64').toString('utf8');
}

async function createSecret(client: KubeClient, mesh: ServiceMeshControlPlane, trustDomain: string): Promise<Secret> {
  const { name = '', namespace = '' } = mesh.metadata ?? {};
  const authority = await CertificateAuthority.createSelfSigned({ organization: trustDomain });
  const texts = {
    'ca-cert.pem': authority.certificatePem, 'ca-key.pem': authority.privateKeyPem.reveal(), 'root-cert.pem': authority.rootPem, 'cert-chain.pem': authority.certificatePem,
  };
  const secret: Secret = {
    metadata: { name: OWN_SECRET, namespace, labels: ownerLabels({ name, namespace }), ownerReferences: [ownerReference(ServiceMeshControlPlaneResource, mesh)] },
    type: 'istio.io/ca-root',
    data: Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, Buffer.from(text).toString('base64')])),
  };
  try {
    return await client.create(SecretResource, secret, { fieldManager: FIELD_MANAGER });
  } catch (error) {
    if (error instanceof KubeError && error.isAlreadyExists()) return client.get(SecretResource, OWN_SECRET, namespace);
    throw error;
  }
}
