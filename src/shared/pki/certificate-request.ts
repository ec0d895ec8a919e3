// Certificate signing requests (RFC 2986): a proxy makes one for its key, the authority reads it.
import { createPublicKey, sign } from 'node:crypto';
import { bitString, der, objectIdentifier, sequence, setOf } from './der.ts';
import { toPem, type KeyPair } from './keys.ts';
import { Pkcs10CertificateRequest, SubjectAlternativeNameExtension } from './x509.ts';

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

const COMMON_NAME = '2.5.4.3';
const EXTENSION_REQUEST = '1.2.840.113549.1.9.14';
const SUBJECT_ALTERNATIVE_NAME = '2.5.29.17';
const SIGNATURES = { EC_P256: sequence(objectIdentifier('1.2.840.10045.4.3.2')), RSA_2048: sequence(objectIdentifier('1.2.840.113549.1.1.11'), der(0x05)) };

/** A signed request for `key`, in PEM. Written without the X.509 library, which would be the largest part of an idle proxy. */
export function createCertificateRequest(key: KeyPair, names: RequestedNames = {}): Promise<string> {
  const alternatives = [...(names.uris ?? []).map((name) => ia5(0x86, name)), ...(names.dnsNames ?? []).map((name) => ia5(0x82, name))];
  const subject = names.commonName ? sequence(setOf(sequence(objectIdentifier(COMMON_NAME), der(0x0c, Buffer.from(names.commonName))))) : sequence();
  const extension = (): Buffer => sequence(objectIdentifier(SUBJECT_ALTERNATIVE_NAME), der(0x04, sequence(...alternatives)));
  const attributes = alternatives.length > 0 ? [sequence(objectIdentifier(EXTENSION_REQUEST), setOf(sequence(extension())))] : [];
  const publicKey = createPublicKey(key.publicKeyPem).export({ type: 'spki', format: 'der' });
  const body = sequence(der(0x02, Buffer.from([0])), subject, publicKey, der(0xa0, ...attributes));
  const signature = sign('sha256', body, key.privateKeyPem.reveal());
  return Promise.resolve(toPem('CERTIFICATE REQUEST', sequence(body, SIGNATURES[key.algorithm], bitString(signature))));
}

function ia5(tag: number, text: string): Buffer {
  if (/[^\x20-\x7e]/.test(text)) throw new Error(`the name ${JSON.stringify(text)} has letters that a certificate cannot hold`);
  return der(tag, Buffer.from(text, 'latin1'));
}

const MINIMUM_RSA_BITS = 2048;
const CURVES: readonly (string | undefined)[] = ['prime256v1', 'secp384r1', 'secp521r1'];

/** Throws for keys that are too weak or of a kind that peers may not know. */
function checkKey(spki: ArrayBuffer): void {
  const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  const { modulusLength = 0, namedCurve } = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === 'rsa' ? modulusLength < MINIMUM_RSA_BITS : key.asymmetricKeyType !== 'ec' || !CURVES.includes(namedCurve)) {
    throw new Error(`the key of the certificate request is not taken; use RSA with at least ${MINIMUM_RSA_BITS} bits, or ECDSA on P-256, P-384 or P-521`);
  }
}

/** Reads a request and checks that it is signed with its own key, and that this is a good one; throws otherwise. */
export async function parseCertificateRequest(pem: string): Promise<CertificateRequest> {
  if (pem.length > 64 * 1024) throw new Error('the certificate request is longer than 64 KiB');
  let request: Pkcs10CertificateRequest;
  try {
    request = new Pkcs10CertificateRequest(pem);
  } catch (cause) {
    throw new Error('the certificate request is not PEM of PKCS #10', { cause });
  }
  checkKey(request.publicKey.rawData);
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
