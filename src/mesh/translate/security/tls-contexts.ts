// TLS contexts: mesh mutual TLS on both sides, and what a DestinationRule or a Gateway asks for.
import type { ClientTlsSettings } from '../../../shared/api/networking/destination-rule.ts';
import type { BackendTlsRecord, ModelServerTls } from '../../model/gateway-api-configuration.ts';
import { packAny } from '../../../shared/xds/index.ts';
import type { TransportSocket } from '../../../shared/xds/generated/envoy/config/core/v3/base.ts';
import { CertificateValidationContext_TrustChainVerification, SubjectAltNameMatcher_SanType, TlsParameters_TlsProtocol, type CertificateValidationContext, type SubjectAltNameMatcher, type TlsParameters } from '../../../shared/xds/generated/envoy/extensions/transport_sockets/tls/v3/common.ts';
import { DownstreamTlsContext, UpstreamTlsContext, type CommonTlsContext } from '../../../shared/xds/generated/envoy/extensions/transport_sockets/tls/v3/tls.ts';
import { RawBuffer } from '../../../shared/xds/generated/envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer.ts';
import { ADS_SOURCE, AGENT_SECRET_SOURCE } from '../xds-values.ts';

const MESH_CIPHERS = ['ECDHE-ECDSA-AES256-GCM-SHA384', 'ECDHE-RSA-AES256-GCM-SHA384', 'ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-RSA-AES128-GCM-SHA256', 'AES256-GCM-SHA384', 'AES128-GCM-SHA256'];
const VERSIONS: Readonly<Record<string, TlsParameters['tlsMinimumProtocolVersion']>> = {
  TLSV1_0: TlsParameters_TlsProtocol.TLSv1_0, TLSV1_1: TlsParameters_TlsProtocol.TLSv1_1, TLSV1_2: TlsParameters_TlsProtocol.TLSv1_2, TLSV1_3: TlsParameters_TlsProtocol.TLSv1_3,
};
const UPSTREAM = 'envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext';
const DOWNSTREAM = 'envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext';

/** No TLS. */
export const RAW_BUFFER: TransportSocket = {
  name: 'envoy.transport_sockets.raw_buffer',
  configType: { $case: 'typedConfig', typedConfig: packAny('envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer', RawBuffer, {}) },
};

function upstream(context: UpstreamTlsContext): TransportSocket {
  return { name: 'envoy.transport_sockets.tls', configType: { $case: 'typedConfig', typedConfig: packAny(UPSTREAM, UpstreamTlsContext, context) } };
}

function downstream(context: DownstreamTlsContext): TransportSocket {
  return { name: 'envoy.transport_sockets.tls', configType: { $case: 'typedConfig', typedConfig: packAny(DOWNSTREAM, DownstreamTlsContext, context) } };
}

function exactNames(names: readonly string[]): SubjectAltNameMatcher[] {
  return names.map((name) => ({ sanType: name.includes('://') ? SubjectAltNameMatcher_SanType.URI : SubjectAltNameMatcher_SanType.DNS, matcher: { matchPattern: { $case: 'exact', exact: name } } }));
}

/** The workload's own certificate, checked against the mesh's roots and `validation`. */
function meshIdentity(validation: CertificateValidationContext): CommonTlsContext {
  return {
    tlsCertificateSdsSecretConfigs: [{ name: 'default', sdsConfig: AGENT_SECRET_SOURCE }],
    validationContextType: {
      $case: 'combinedValidationContext',
      combinedValidationContext: { defaultValidationContext: validation, validationContextSdsSecretConfig: { name: 'ROOTCA', sdsConfig: AGENT_SECRET_SOURCE } },
    },
  };
}

/** What the client side of mesh mutual TLS is made with. */
export interface MeshClientOptions {
  readonly sni: string;
  readonly identities: readonly string[];
  readonly ownProxy: boolean;
  /** What the cluster is asked in; for one that carries several, the names tell nothing. */
  readonly protocol: 'http1' | 'http2' | 'tcp' | 'any';
}

/**
 * Names that tell a server of the mesh what comes. With our own proxy's filters the peers may exchange their metadata first, and a filter chooses
 * the name of each request's protocol; a stock Envoy can do neither, so its clusters name their protocol themselves.
 */
function clientAlpn({ ownProxy, protocol }: MeshClientOptions): string[] {
  if (ownProxy) return protocol === 'http2' ? ['istio-peer-exchange', 'istio', 'h2'] : ['istio-peer-exchange', 'istio'];
  switch (protocol) {
    case 'http1': return ['istio-http/1.1', 'istio', 'http/1.1'];
    case 'http2': return ['istio-h2', 'istio', 'h2'];
    default: return ['istio'];
  }
}

/** Client side of mesh mutual TLS. */
export function meshClientSocket(options: MeshClientOptions): TransportSocket {
  const common = meshIdentity(options.identities.length > 0 ? { matchTypedSubjectAltNames: exactNames(options.identities) } : {});
  return upstream({
    sni: options.sni,
    commonTlsContext: { ...common, tlsParams: { tlsMinimumProtocolVersion: TlsParameters_TlsProtocol.TLSv1_2, tlsMaximumProtocolVersion: TlsParameters_TlsProtocol.TLSv1_3 }, alpnProtocols: clientAlpn(options) },
  });
}

/** What the server side of mesh mutual TLS is made with. */
export interface MeshServerOptions {
  readonly trustDomains: readonly string[];
  readonly tcp: boolean;
  readonly ownProxy: boolean;
  readonly minimumVersion: string | undefined;
  readonly maximumVersion?: string | undefined;
  /** Cipher suites of TLS 1.2 instead of ours. */
  readonly cipherSuites?: readonly string[] | undefined;
}

/** Server side of mesh mutual TLS: a client certificate of the trust domain or of an alias is demanded. */
export function meshServerSocket(options: MeshServerOptions): TransportSocket {
  const names = options.trustDomains.map((domain): SubjectAltNameMatcher => ({ sanType: SubjectAltNameMatcher_SanType.URI, matcher: { matchPattern: { $case: 'prefix', prefix: `spiffe://${domain}/` } } }));
  // Whoever agrees to exchange metadata must be able to: a stock Envoy would hand the peer's to the application.
  const alpnProtocols = options.tcp && options.ownProxy ? ['istio-peer-exchange', 'h2', 'http/1.1'] : ['h2', 'http/1.1'];
  return downstream({
    requireClientCertificate: true,
    commonTlsContext: {
      ...meshIdentity({ matchTypedSubjectAltNames: names }),
      tlsParams: {
        tlsMinimumProtocolVersion: options.minimumVersion === 'TLSV1_3' ? TlsParameters_TlsProtocol.TLSv1_3 : TlsParameters_TlsProtocol.TLSv1_2,
        tlsMaximumProtocolVersion: VERSIONS[options.maximumVersion ?? ''] ?? TlsParameters_TlsProtocol.TLSv1_3,
        cipherSuites: options.cipherSuites?.length ? [...options.cipherSuites] : MESH_CIPHERS,
      },
      // Node's TLS refuses a handshake without a common protocol, where Envoy's goes on; a client that offers only mesh names finds this one.
      alpnProtocols: options.ownProxy ? [...alpnProtocols, 'istio'] : alpnProtocols,
    },
  });
}

/** Client side of the TLS that a DestinationRule asks for, other than ISTIO_MUTUAL; undefined for none. */
export function originatedSocket(tls: ClientTlsSettings, options: { readonly host: string; readonly http2: boolean; readonly subjectAltNames: readonly string[] }): TransportSocket | undefined {
  if (tls.mode !== 'SIMPLE' && tls.mode !== 'MUTUAL') return undefined;
  const names = tls.subjectAltNames?.length ? tls.subjectAltNames : options.subjectAltNames.length > 0 ? options.subjectAltNames : tls.sni ? [tls.sni] : options.host.startsWith('*') ? [] : [options.host];
  const validation: CertificateValidationContext = tls.insecureSkipVerify ? {} : { matchTypedSubjectAltNames: exactNames(names) };
  return upstream({
    sni: tls.sni ?? (options.host.startsWith('*') ? '' : options.host),
    commonTlsContext: { ...originatedValidation(tls, validation), ...originatedCertificate(tls), ...(options.http2 ? { alpnProtocols: ['h2'] } : {}) },
  });
}

function originatedValidation(tls: ClientTlsSettings, validation: CertificateValidationContext): Pick<CommonTlsContext, 'validationContextType'> {
  if (tls.insecureSkipVerify) return {};
  const sds = tls.credentialName
    ? { name: `kubernetes://${tls.credentialName}-cacert`, sdsConfig: ADS_SOURCE }
    : { name: tls.caCertificates ? `file-root:${tls.caCertificates}` : 'file-root:system', sdsConfig: AGENT_SECRET_SOURCE };
  return { validationContextType: { $case: 'combinedValidationContext', combinedValidationContext: { defaultValidationContext: validation, validationContextSdsSecretConfig: sds } } };
}

function originatedCertificate(tls: ClientTlsSettings): Pick<CommonTlsContext, 'tlsCertificateSdsSecretConfigs'> {
  if (tls.mode !== 'MUTUAL') return {};
  if (tls.credentialName) return { tlsCertificateSdsSecretConfigs: [{ name: `kubernetes://${tls.credentialName}`, sdsConfig: ADS_SOURCE }] };
  return { tlsCertificateSdsSecretConfigs: [{ name: `file-cert:${tls.clientCertificate ?? ''}~${tls.privateKey ?? ''}`, sdsConfig: AGENT_SECRET_SOURCE }] };
}

/** Server side of a Gateway's TLS; undefined for plaintext and passthrough. */
export function gatewayServerSocket(tls: ModelServerTls, options: { readonly trustDomains: readonly string[]; readonly http: boolean }): TransportSocket | undefined {
  const { mode = 'SIMPLE' } = tls;
  if (mode === 'PASSTHROUGH' || mode === 'AUTO_PASSTHROUGH') return undefined;
  if (mode === 'ISTIO_MUTUAL') return meshServerSocket({ trustDomains: options.trustDomains, tcp: !options.http, ownProxy: false, minimumVersion: tls.minProtocolVersion, maximumVersion: tls.maxProtocolVersion, cipherSuites: tls.cipherSuites });
  const tlsParams: TlsParameters = {
    tlsMinimumProtocolVersion: VERSIONS[tls.minProtocolVersion ?? ''] ?? TlsParameters_TlsProtocol.TLSv1_2,
    ...(VERSIONS[tls.maxProtocolVersion ?? ''] !== undefined ? { tlsMaximumProtocolVersion: VERSIONS[tls.maxProtocolVersion ?? ''] } : {}),
    ...(tls.cipherSuites?.length ? { cipherSuites: [...tls.cipherSuites] } : {}),
  };
  const mutual = mode === 'MUTUAL' || mode === 'OPTIONAL_MUTUAL';
  return downstream({
    requireClientCertificate: mode === 'MUTUAL' || tls.clientCa?.required === true,
    commonTlsContext: { tlsParams, ...gatewayCertificates(tls), ...(mutual ? gatewayValidation(tls) : tls.clientCa ? clientValidation(tls.clientCa) : {}), ...(options.http ? { alpnProtocols: ['h2', 'http/1.1'] } : {}) },
  });
}

/** Names of the Gateway API's bring their scheme: its Secrets may be of other namespaces. */
function secretName(name: string): string {
  return name.includes('://') ? name : `kubernetes://${name}`;
}

function gatewayCertificates(tls: ModelServerTls): Pick<CommonTlsContext, 'tlsCertificateSdsSecretConfigs'> {
  const names = tls.credentialName ? [tls.credentialName] : tls.credentialNames ?? [];
  if (names.length > 0) return { tlsCertificateSdsSecretConfigs: names.map((name) => ({ name: secretName(name), sdsConfig: ADS_SOURCE })) };
  const files = tls.tlsCertificates?.length ? tls.tlsCertificates : [tls];
  return { tlsCertificateSdsSecretConfigs: files.map(({ serverCertificate = '', privateKey = '' }) => ({ name: `file-cert:${serverCertificate}~${privateKey}`, sdsConfig: AGENT_SECRET_SOURCE })) };
}

function gatewayValidation(tls: ModelServerTls): Pick<CommonTlsContext, 'validationContextType'> {
  const name = tls.caCertCredentialName ?? tls.credentialName ?? tls.credentialNames?.[0];
  const sds = name ? { name: `kubernetes://${name}-cacert`, sdsConfig: ADS_SOURCE } : { name: `file-root:${tls.caCertificates ?? tls.tlsCertificates?.find(({ caCertificates }) => caCertificates)?.caCertificates ?? ''}`, sdsConfig: AGENT_SECRET_SOURCE };
  const validation: CertificateValidationContext = {
    ...(tls.subjectAltNames?.length ? { matchTypedSubjectAltNames: exactNames(tls.subjectAltNames) } : {}),
    ...(tls.verifyCertificateSpki?.length ? { verifyCertificateSpki: [...tls.verifyCertificateSpki] } : {}),
    ...(tls.verifyCertificateHash?.length ? { verifyCertificateHash: [...tls.verifyCertificateHash] } : {}),
  };
  return { validationContextType: { $case: 'combinedValidationContext', combinedValidationContext: { defaultValidationContext: validation, validationContextSdsSecretConfig: sds } } };
}

/** A check against authorities given as text. Without need of a certificate any is let in: the trust chain is not checked either. */
function clientValidation({ pem, required }: NonNullable<ModelServerTls['clientCa']>): Pick<CommonTlsContext, 'validationContextType'> {
  return {
    validationContextType: {
      $case: 'validationContext',
      validationContext: { trustedCa: { specifier: { $case: 'inlineString', inlineString: pem } }, ...(required ? {} : { trustChainVerification: CertificateValidationContext_TrustChainVerification.ACCEPT_UNTRUSTED }) },
    },
  };
}

/** Client side of the TLS that a BackendTLSPolicy asks for; `certificate` is the Secret that the gateway shows itself with. */
export function backendTlsSocket(record: BackendTlsRecord, options: { readonly http2: boolean; readonly certificate: string | undefined }): TransportSocket {
  const validation: CertificateValidationContext = {
    matchTypedSubjectAltNames: record.subjectAltNames.map(({ type, value }) => ({ sanType: type === 'uri' ? SubjectAltNameMatcher_SanType.URI : SubjectAltNameMatcher_SanType.DNS, matcher: { matchPattern: { $case: 'exact', exact: value } } })),
  };
  const { trust } = record;
  return upstream({
    sni: record.serverName,
    commonTlsContext: {
      validationContextType: trust === 'system'
        ? { $case: 'combinedValidationContext', combinedValidationContext: { defaultValidationContext: validation, validationContextSdsSecretConfig: { name: 'file-root:system', sdsConfig: AGENT_SECRET_SOURCE } } }
        : { $case: 'validationContext', validationContext: { ...validation, trustedCa: { specifier: { $case: 'inlineString', inlineString: trust.pem } } } },
      ...(options.certificate !== undefined ? { tlsCertificateSdsSecretConfigs: [{ name: secretName(options.certificate), sdsConfig: ADS_SOURCE }] } : {}),
      ...(options.http2 ? { alpnProtocols: ['h2'] } : {}),
    },
  });
}
