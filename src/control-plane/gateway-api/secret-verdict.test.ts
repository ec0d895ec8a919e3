import { describe, expect, it } from 'vitest';
import { CertificateAuthority, KeyPair } from '../../shared/pki/index.ts';
import { configMapVerdict, secretVerdict } from './secret-verdict.ts';

const encode = (text: string): string => Buffer.from(text).toString('base64');

async function pair(): Promise<{ certificate: string; key: string; root: string }> {
  const authority = await CertificateAuthority.createSelfSigned();
  const key = await KeyPair.generate();
  return { certificate: await authority.issue({ publicKey: key.publicKeyPem, dnsNames: ['shop.example.com'], lifetimeMilliseconds: 60_000 }), key: key.privateKeyPem.reveal(), root: authority.rootPem };
}

describe('secretVerdict', () => {
  it('finds a pair that belongs together, under the names of Kubernetes and of Istio, and shows nothing of the key', async () => {
    const { certificate, key, root } = await pair();
    const verdict = secretVerdict({ type: 'kubernetes.io/tls', data: { 'tls.crt': encode(certificate), 'tls.key': encode(key), 'ca.crt': encode(root) } });
    expect(verdict).toMatchObject({ type: 'kubernetes.io/tls', keyPair: 'valid', caCertificates: expect.stringContaining('BEGIN CERTIFICATE') });
    expect(JSON.stringify(verdict)).not.toContain('PRIVATE KEY');
    expect(secretVerdict({ data: { cert: encode(certificate), key: encode(key) } })).toEqual({ type: 'Opaque', keyPair: 'valid' });
  });

  it('says what is wrong', async () => {
    const one = await pair();
    const other = await pair();
    const verdict = (certificate: string, key: string) => secretVerdict({ data: { 'tls.crt': encode(certificate), 'tls.key': encode(key) } });
    expect(secretVerdict({})).toMatchObject({ keyPair: 'missing', message: 'the Secret holds no tls.crt' });
    expect(verdict('Hello', one.key)).toMatchObject({ keyPair: 'invalid', message: expect.stringContaining('tls.crt') });
    expect(verdict(one.certificate, 'Hello')).toMatchObject({ keyPair: 'invalid', message: expect.stringContaining('no private key') });
    expect(verdict(one.certificate, other.key)).toMatchObject({ keyPair: 'invalid', message: expect.stringContaining('is not the key') });
  });
});

describe('configMapVerdict', () => {
  it('takes authorities only when every one of them parses', async () => {
    const { root } = await pair();
    expect(configMapVerdict({ data: { 'ca.crt': `# ours\n${root}${root}` } }).caCertificates?.match(/BEGIN/g)).toHaveLength(2);
    expect([configMapVerdict({}), configMapVerdict({ data: { 'ca.crt': 'none' } }), configMapVerdict({ data: { 'ca.crt': `${root}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n` } })]).toEqual([{}, {}, {}]);
  });
});
