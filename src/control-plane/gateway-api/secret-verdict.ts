// Judges what a Secret or ConfigMap holds for a listener or a policy: whether certificates and key parse and belong together.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { ConfigMap, Secret } from '../../shared/api/core/cluster.ts';
import type { ConfigMapVerdict, SecretVerdict } from '../../mesh/gateway-api/index.ts';

/** What is made of a Secret. Opaque ones may use the names of Istio's gateways: `cert`, `key`, `cacert`. */
export function secretVerdict({ type = 'Opaque', data = {} }: Secret): SecretVerdict {
  const text = (...names: string[]): string | undefined => {
    const value = names.map((name) => data[name]).find((candidate) => candidate !== undefined && candidate !== '');
    return value === undefined ? undefined : Buffer.from(value, 'base64').toString('utf8');
  };
  return { type, ...keyPairVerdict(text('tls.crt', 'cert'), text('tls.key', 'key')), ...authorities(text('ca.crt', 'cacert')) };
}

/** What is made of a ConfigMap. */
export function configMapVerdict({ data = {} }: ConfigMap): ConfigMapVerdict {
  return authorities(data['ca.crt']);
}

function keyPairVerdict(certificate: string | undefined, key: string | undefined): Pick<SecretVerdict, 'keyPair' | 'message'> {
  if (certificate === undefined || key === undefined) return { keyPair: 'missing', message: `the Secret holds no ${certificate === undefined ? 'tls.crt' : 'tls.key'}` };
  let leaf: X509Certificate;
  try {
    leaf = new X509Certificate(certificate);
  } catch {
    return { keyPair: 'invalid', message: 'tls.crt holds no certificate in PEM form' };
  }
  try {
    if (leaf.checkPrivateKey(createPrivateKey(key))) return { keyPair: 'valid' };
    return { keyPair: 'invalid', message: 'tls.key is not the key of the certificate in tls.crt' };
  } catch {
    return { keyPair: 'invalid', message: 'tls.key holds no private key in PEM form' };
  }
}

function authorities(pem: string | undefined): { caCertificates?: string } {
  const blocks = pem?.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) return {};
  try {
    for (const block of blocks) new X509Certificate(block);
  } catch {
    return {};
  }
  return { caCertificates: `${blocks.join('\n')}\n` };
}
