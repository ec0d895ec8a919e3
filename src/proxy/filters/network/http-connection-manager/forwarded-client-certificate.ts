// The header x-forwarded-client-cert: who the TLS peer is, told to the upstream, in Envoy's five modes.
import type { HttpConnectionManagerConfig } from '../../../config/filter-config.ts';
import type { HeaderMap } from '../../../stream/header-map.ts';
import type { TlsInfo } from '../../../stream/stream-info.ts';

const NAME = 'x-forwarded-client-cert';

/** Sets, keeps or removes the header. */
export function forwardClientCertificate(headers: HeaderMap, tls: TlsInfo | null, config: HttpConnectionManagerConfig): void {
  const mode = config.forwardClientCertificate;
  if (mode === 'always_forward_only') return;
  const mutual = tls !== null && tls.peerCertificatePem !== '' && tls.peerVerified;
  if (mode === 'sanitize' || !mutual) {
    headers.remove(NAME);
    return;
  }
  if (mode === 'forward_only') return;
  const element = describe(tls, config);
  if (mode === 'append_forward') {
    const before = headers.get(NAME);
    headers.set(NAME, before === undefined ? element : `${before},${element}`);
  } else headers.set(NAME, element);
}

function describe(tls: TlsInfo, { clientCertificateDetails: details }: HttpConnectionManagerConfig): string {
  const parts: string[] = [];
  if (tls.localUri !== '') parts.push(`By=${tls.localUri}`);
  parts.push(`Hash=${tls.peerFingerprint}`);
  if (details.certificate) parts.push(`Cert="${encodeURIComponent(tls.peerCertificatePem)}"`);
  if (details.chain) parts.push(`Chain="${encodeURIComponent(tls.peerCertificatePem)}"`);
  if (details.subject) parts.push(`Subject="${tls.peerSubject.replaceAll('"', '\\"')}"`);
  if (details.uri) parts.push(...(tls.peerUris.length > 0 ? tls.peerUris.map((uri) => `URI=${quoteIfNeeded(uri)}`) : ['URI=']));
  if (details.dns) parts.push(...tls.peerDnsNames.map((name) => `DNS=${quoteIfNeeded(name)}`));
  return parts.join(';');
}

function quoteIfNeeded(value: string): string {
  return /[,;="]/.test(value) ? `"${value.replaceAll('"', '\\"')}"` : value;
}
