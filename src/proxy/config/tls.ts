// TLS contexts of connections in both directions (envoy.extensions.transport_sockets.tls.v3), and transport sockets.
import type { TransportSocket } from '../../shared/xds/generated/envoy/config/core/v3/base.ts';
import {
  CertificateValidationContext_TrustChainVerification, SubjectAltNameMatcher_SanType, TlsParameters_TlsProtocol,
  type CertificateValidationContext, type TlsCertificate, type TlsParameters,
} from '../../shared/xds/generated/envoy/extensions/transport_sockets/tls/v3/common.ts';
import { DownstreamTlsContext, UpstreamTlsContext, type CommonTlsContext } from '../../shared/xds/generated/envoy/extensions/transport_sockets/tls/v3/tls.ts';
import { join, type Findings } from './findings.ts';
import { stringMatch } from './matchers.ts';
import type { DownstreamTlsConfig, UpstreamTlsConfig, ValidationConfig } from './runtime-config.ts';
import { typedConfig } from './typed-struct.ts';
import { inlineText } from './values.ts';

const UPSTREAM = 'envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext';
const DOWNSTREAM = 'envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext';
const PLAIN = ['envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer'];

type Version = 'TLSv1.2' | 'TLSv1.3';

/** The transport socket of connections that we open: TLS or null for plain. */
export function upstreamTls(socket: TransportSocket | undefined, path: string, findings: Findings): UpstreamTlsConfig | null {
  const config = socketConfig(socket, path, findings, UPSTREAM);
  if (!config) return null;
  const message = UpstreamTlsContext.decode(config);
  const at = join(path, 'typed_config');
  findings.ignoreFields(message, at, ['allowRenegotiation', 'maxSessionKeys', 'enforceRsaKeyUsage']);
  const common = message.commonTlsContext ?? {};
  const commonPath = join(at, 'common_tls_context');
  checkCommon(common, commonPath, findings);
  const inline = certificates(common, commonPath, findings);
  return {
    sni: message.sni ?? '',
    certificateSecretName: common.tlsCertificateSdsSecretConfigs?.[0]?.name ?? null,
    inlineCertificate: inline[0] ?? null,
    validation: validation(common, commonPath, findings),
    alpnProtocols: common.alpnProtocols ?? [],
    ...versions(common.tlsParams, join(commonPath, 'tls_params'), findings),
  };
}

/** The transport socket of connections that we accept: TLS or null for plain. */
export function downstreamTls(socket: TransportSocket | undefined, path: string, findings: Findings): DownstreamTlsConfig | null {
  const config = socketConfig(socket, path, findings, DOWNSTREAM);
  if (!config) return null;
  const message = DownstreamTlsContext.decode(config);
  const at = join(path, 'typed_config');
  findings.refuseFields(message, at, ['requireSni']);
  findings.ignoreFields(message, at, ['sessionTicketKeysType', 'disableStatefulSessionResumption', 'sessionTimeout', 'ocspStaplePolicy', 'fullScanCertsOnSniMismatch']);
  const common = message.commonTlsContext ?? {};
  const commonPath = join(at, 'common_tls_context');
  checkCommon(common, commonPath, findings);
  const names = (common.tlsCertificateSdsSecretConfigs ?? []).map((secret) => secret.name ?? '');
  const inline = certificates(common, commonPath, findings);
  if (names.length + inline.length === 0) findings.refuse(commonPath, 'A server needs a certificate: tls_certificates or tls_certificate_sds_secret_configs.');
  return {
    certificateSecretNames: names,
    inlineCertificates: inline,
    requireClientCertificate: message.requireClientCertificate ?? false,
    validation: validation(common, commonPath, findings),
    alpnProtocols: common.alpnProtocols ?? [],
    cipherSuites: common.tlsParams?.cipherSuites ?? [],
    ...versions(common.tlsParams, join(commonPath, 'tls_params'), findings),
  };
}

/** Bytes of the TLS context, or null for a plain connection. */
function socketConfig(socket: TransportSocket | undefined, path: string, findings: Findings, wanted: string): Uint8Array | null {
  if (!socket) return null;
  const { type, bytes, fields } = typedConfig(socket.configType?.typedConfig);
  if (PLAIN.includes(type) || (type === '' && socket.name === 'envoy.transport_sockets.raw_buffer')) return null;
  if (type === wanted && !fields) return bytes;
  findings.refuse(join(path, 'typed_config'), `Transport socket ${JSON.stringify(type || (socket.name ?? ''))} is not supported here; expected ${wanted} or a raw buffer.`);
  return null;
}

function checkCommon(common: CommonTlsContext, path: string, findings: Findings): void {
  findings.refuseFields(common, path, ['tlsCertificateProviderInstance', 'tlsCertificateCertificateProvider', 'tlsCertificateCertificateProviderInstance', 'customHandshaker', 'keyLog']);
}

function certificates(common: CommonTlsContext, path: string, findings: Findings): readonly { readonly certificateChainPem: string; readonly privateKeyPem: string }[] {
  return (common.tlsCertificates ?? []).map((certificate, index) => inlineCertificate(certificate, `${path}.tls_certificates[${index}]`, findings));
}

/** A certificate and its key, given in the message. */
export function inlineCertificate(certificate: TlsCertificate, path: string, findings: Findings): { certificateChainPem: string; privateKeyPem: string } {
  findings.refuseFields(certificate, path, ['pkcs12', 'privateKeyProvider', 'password']);
  findings.ignoreFields(certificate, path, ['ocspStaple', 'signedCertificateTimestamp', 'watchedDirectory']);
  const chain = inlineText(certificate.certificateChain, join(path, 'certificate_chain'), findings);
  const key = inlineText(certificate.privateKey, join(path, 'private_key'), findings);
  if (chain === '' || key === '') findings.refuse(path, 'A certificate chain and a private key are needed.');
  return { certificateChainPem: chain, privateKeyPem: key };
}

function validation(common: CommonTlsContext, path: string, findings: Findings): ValidationConfig | null {
  const form = common.validationContextType;
  switch (form?.$case) {
    case undefined: return null;
    case 'validationContextSdsSecretConfig': return { secretName: form.validationContextSdsSecretConfig.name ?? '', trustedCaPem: null, subjectAltNames: [] };
    case 'validationContext': return checked(form.validationContext, null, join(path, 'validation_context'), findings);
    case 'combinedValidationContext': {
      const at = join(path, 'combined_validation_context');
      findings.refuseFields(form.combinedValidationContext, at, ['validationContextCertificateProvider', 'validationContextCertificateProviderInstance']);
      const name = form.combinedValidationContext.validationContextSdsSecretConfig?.name ?? null;
      return checked(form.combinedValidationContext.defaultValidationContext ?? {}, name, join(at, 'default_validation_context'), findings);
    }
    default:
      findings.refuse(path, 'This kind of validation context is not supported. Use an inline context or SDS.');
      return null;
  }
}

function checked(context: CertificateValidationContext, secretName: string | null, path: string, findings: Findings): ValidationConfig {
  findings.refuseFields(context, path, ['caCertificateProviderInstance', 'systemRootCerts', 'verifyCertificateSpki', 'verifyCertificateHash', 'requireSignedCertificateTimestamp', 'crl', 'allowExpiredCertificate', 'customValidatorConfig']);
  findings.ignoreFields(context, path, ['watchedDirectory', 'onlyVerifyLeafCertCrl', 'maxVerifyDepth']);
  const pem = inlineText(context.trustedCa, join(path, 'trusted_ca'), findings);
  const typed = (context.matchTypedSubjectAltNames ?? []).map((name, index) => ({
    type: sanType(name.sanType ?? 0, `${path}.match_typed_subject_alt_names[${index}].san_type`, findings),
    match: stringMatch(name.matcher, `${path}.match_typed_subject_alt_names[${index}].matcher`, findings),
  }));
  const untyped = (context.matchSubjectAltNames ?? []).map((name, index) => ({ type: 'any' as const, match: stringMatch(name, `${path}.match_subject_alt_names[${index}]`, findings) }));
  const acceptUntrusted = context.trustChainVerification === CertificateValidationContext_TrustChainVerification.ACCEPT_UNTRUSTED;
  return { secretName, trustedCaPem: pem === '' ? null : pem, ...(acceptUntrusted ? { acceptUntrusted: true as const } : {}), subjectAltNames: [...typed, ...untyped] };
}

function sanType(type: SubjectAltNameMatcher_SanType, path: string, findings: Findings): 'uri' | 'dns' | 'email' | 'ip' {
  switch (type) {
    case SubjectAltNameMatcher_SanType.URI: return 'uri';
    case SubjectAltNameMatcher_SanType.DNS: return 'dns';
    case SubjectAltNameMatcher_SanType.EMAIL: return 'email';
    case SubjectAltNameMatcher_SanType.IP_ADDRESS: return 'ip';
    default:
      findings.refuse(path, 'The type of subject alternative name must be URI, DNS, EMAIL or IP_ADDRESS.');
      return 'uri';
  }
}

/** Both ends default to TLS 1.2 up to 1.3; older ones are refused. Envoy's own upstream default ends at 1.2. */
function versions(parameters: TlsParameters | undefined, path: string, findings: Findings): { minimumVersion: Version; maximumVersion: Version } {
  if (parameters) findings.ignoreFields(parameters, path, ['ecdhCurves', 'signatureAlgorithms']);
  const minimum = version(parameters?.tlsMinimumProtocolVersion, 'TLSv1.2', join(path, 'tls_minimum_protocol_version'), findings);
  const maximum = version(parameters?.tlsMaximumProtocolVersion, 'TLSv1.3', join(path, 'tls_maximum_protocol_version'), findings);
  return { minimumVersion: minimum, maximumVersion: maximum };
}

function version(protocol: TlsParameters_TlsProtocol | undefined, fallback: Version, path: string, findings: Findings): Version {
  switch (protocol ?? TlsParameters_TlsProtocol.TLS_AUTO) {
    case TlsParameters_TlsProtocol.TLS_AUTO: return fallback;
    case TlsParameters_TlsProtocol.TLSv1_2: return 'TLSv1.2';
    case TlsParameters_TlsProtocol.TLSv1_3: return 'TLSv1.3';
    default:
      findings.refuse(path, 'TLS before 1.2 is not supported by this proxy.');
      return fallback;
  }
}
