// Certificate signing requests (RFC 2986): a proxy makes one for its key, the authority reads it.
import { Pkcs10CertificateRequest, Pkcs10CertificateRequestGenerator, SubjectAlternativeNameExtension } from './x509.ts';
import { signingAlgorithm, type KeyPair } from './keys.ts';

/** What a request asks for. */
export interface RequestedNames {
  readonly commonName?: string;
  readonly uris?: readonly string[];
  readonly dnsNames?: readonly string[];
}

/** A request as read: its signature has been checked. */
export interface CertificateRequest {
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKeyDer: Uint8Array;
  readonly subject: string;
  readonly uris: readonly string[];
  readonly dnsNames: readonly string[];
}

/** A signed request for `key`, in PEM. */
export async function createCertificateRequest(key: KeyPair, names: RequestedNames = {}): Promise<string> {
  const alternatives = [...(names.uris ?? []).map((value) => ({ type: 'url' as const, value })), ...(names.dnsNames ?? []).map((value) => ({ type: 'dns' as const, value }))];
  const request = await Pkcs10CertificateRequestGenerator.create({
    ...(names.commonName ? { name: [{ CN: [names.commonName] }] } : {}),
    extensions: alternatives.length > 0 ? [new SubjectAlternativeNameExtension(alternatives)] : [],
    keys: key.cryptoKeys,
    signingAlgorithm: signingAlgorithm(key.algorithm),
  });
  return `${request.toString('pem')}\n`;
}

/** Reads a request and checks that it is signed with its own key; throws otherwise. */
export async function parseCertificateRequest(pem: string): Promise<CertificateRequest> {
  if (pem.length > 64 * 1024) throw new Error('the certificate request is longer than 64 KiB');
  let request: Pkcs10CertificateRequest;
  try {
    request = new Pkcs10CertificateRequest(pem);
  } catch (cause) {
    throw new Error('the certificate request is not PEM of PKCS #10', { cause });
  }
  if (!(await request.verify())) throw new Error('the certificate request is not signed with its own key');
  const extension = request.extensions.find((one) => one instanceof SubjectAlternativeNameExtension);
  const names = extension?.names.items ?? [];
  return {
    publicKeyDer: new Uint8Array(request.publicKey.rawData),
    subject: request.subject,
    uris: names.filter(({ type }) => type === 'url').map(({ value }) => value),
    dnsNames: names.filter(({ type }) => type === 'dns').map(({ value }) => value),
  };
}
