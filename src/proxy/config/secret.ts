// Secrets from SDS (envoy.extensions.transport_sockets.tls.v3.Secret): a certificate with its key, or trusted roots.
import type { Issue, Result } from '../../shared/lib/index.ts';
import type { Secret } from '../../shared/xds/generated/envoy/extensions/transport_sockets/tls/v3/secret.ts';
import { Findings } from './findings.ts';
import { inlineCertificate } from './tls.ts';
import { inlineText } from './values.ts';

/** A secret as plain data. */
export type SecretConfig =
  | { readonly kind: 'certificate'; readonly certificateChainPem: string; readonly privateKeyPem: string }
  | { readonly kind: 'roots'; readonly trustedCaPem: string };

/** An SDS resource. No finding ever holds what the secret holds. */
export function compileSecret(message: Secret): Result<SecretConfig, Issue[]> {
  const findings = new Findings('Secret', message.name ?? '');
  return findings.result(secretConfig(message, findings));
}

function secretConfig(message: Secret, findings: Findings): SecretConfig {
  const form = message.type;
  if (form?.$case === 'tlsCertificate') return { kind: 'certificate', ...inlineCertificate(form.tlsCertificate, 'tls_certificate', findings) };
  if (form?.$case === 'validationContext') {
    findings.refuseFields(form.validationContext, 'validation_context', ['crl', 'verifyCertificateSpki', 'verifyCertificateHash', 'customValidatorConfig', 'matchSubjectAltNames', 'matchTypedSubjectAltNames']);
    const pem = inlineText(form.validationContext.trustedCa, 'validation_context.trusted_ca', findings);
    if (pem === '') findings.refuse('validation_context.trusted_ca', 'Trusted roots are needed.');
    return { kind: 'roots', trustedCaPem: pem };
  }
  findings.refuse('', 'Only tls_certificate and validation_context are supported by this proxy.');
  return { kind: 'roots', trustedCaPem: '' };
}
