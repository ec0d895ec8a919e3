// Certificates, secrets and TLS settings of a small mesh for the component tests.
import type { DownstreamTlsConfig, UpstreamTlsConfig } from '../../config/runtime-config.ts';
import type { CertificateSecret, RootsSecret, SecretProvider } from '../../net/secret-provider.ts';

/** Secrets in memory. */
export class MapSecrets implements SecretProvider {
  readonly values = new Map<string, CertificateSecret | RootsSecret>();
  readonly #listeners = new Set<(name: string) => void>();

  get(name: string): CertificateSecret | RootsSecret | undefined {
    return this.values.get(name);
  }

  set(name: string, value: CertificateSecret | RootsSecret): void {
    this.values.set(name, value);
    for (const one of this.#listeners) one(name);
  }

  onChange(one: (name: string) => void): () => void {
    this.#listeners.add(one);
    return () => this.#listeners.delete(one);
  }
}

/** What is used of a certificate authority. */
interface Authority {
  readonly rootPem: string;
  issue(request: { publicKey: string; uris: readonly string[]; lifetimeMilliseconds: number }): Promise<string>;
}

/** What tests bring from the library of keys and certificates, which this folder may not import. */
export interface PublicKeyInfrastructure {
  readonly CertificateAuthority: { createSelfSigned(options?: { organization?: string }): Promise<Authority> };
  readonly KeyPair: { generate(): Promise<{ readonly publicKeyPem: string; readonly privateKeyPem: { reveal(): string } }> };
}

/** Two authorities: the mesh's and somebody else's. */
export class MeshIdentities {
  readonly authority: Authority;
  readonly stranger: Authority;
  readonly #keys: PublicKeyInfrastructure['KeyPair'];

  constructor(authority: Authority, stranger: Authority, keys: PublicKeyInfrastructure['KeyPair']) {
    this.authority = authority;
    this.stranger = stranger;
    this.#keys = keys;
  }

  static async create({ CertificateAuthority, KeyPair }: PublicKeyInfrastructure): Promise<MeshIdentities> {
    return new MeshIdentities(await CertificateAuthority.createSelfSigned(), await CertificateAuthority.createSelfSigned({ organization: 'stranger' }), KeyPair);
  }

  /** A certificate of service account `name` in namespace test. */
  async certificate(name: string, from = this.authority, furtherUris: readonly string[] = []): Promise<CertificateSecret> {
    const key = await this.#keys.generate();
    const certificateChainPem = await from.issue({ publicKey: key.publicKeyPem, uris: [`spiffe://cluster.local/ns/test/sa/${name}`, ...furtherUris], lifetimeMilliseconds: 3_600_000 });
    return { kind: 'certificate', certificateChainPem, privateKeyPem: key.privateKeyPem.reveal() };
  }

  /** The secrets of a proxy of service account `name`. */
  async secretsOf(name: string, from = this.authority): Promise<MapSecrets> {
    const secrets = new MapSecrets();
    secrets.set('default', await this.certificate(name, from));
    secrets.set('ROOTCA', { kind: 'roots', trustedCaPem: this.authority.rootPem });
    return secrets;
  }
}

const VALIDATION = { secretName: 'ROOTCA', trustedCaPem: null, subjectAltNames: [] };
/** TLS of a listener that asks for client certificates. */
export const SERVER_TLS: DownstreamTlsConfig = {
  certificateSecretNames: ['default'], inlineCertificates: [], requireClientCertificate: true, validation: VALIDATION, alpnProtocols: ['h2', 'http/1.1'], minimumVersion: 'TLSv1.2', maximumVersion: 'TLSv1.3', cipherSuites: [],
};

/** TLS towards service account `serverAccount`. */
export function clientTls(serverAccount: string, over: Partial<UpstreamTlsConfig> = {}): UpstreamTlsConfig {
  return {
    sni: 'outbound_.80_._.a.test.svc', certificateSecretName: 'default', inlineCertificate: null, alpnProtocols: ['http/1.1'], minimumVersion: 'TLSv1.2', maximumVersion: 'TLSv1.3',
    validation: { ...VALIDATION, subjectAltNames: [{ type: 'uri', match: { kind: 'exact', value: `spiffe://cluster.local/ns/test/sa/${serverAccount}`, ignoreCase: false } }] }, ...over,
  };
}
