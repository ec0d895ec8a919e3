// Both ends of a connection as an authorization service is told of them. Used by the filters of requests and of connections.
import { splitAddress } from '../net/address.ts';
import type { CheckPeer } from '../service-messages/authorization.ts';
import type { ConnectionInfo, TlsInfo } from '../stream/stream-info.ts';

/** The client, which may have named its `service`, and ourselves. */
export function checkPeers({ tls, remoteAddress, localAddress }: ConnectionInfo, withCertificate: boolean, service: string): { readonly source: CheckPeer; readonly destination: CheckPeer } {
  const certificate = withCertificate && tls ? encodeURIComponent(tls.peerCertificatePem) : '';
  return {
    source: { ...splitAddress(remoteAddress), principal: peerPrincipal(tls), certificate, service },
    destination: { ...splitAddress(localAddress), principal: tls?.localUri ?? '', certificate: '', service: '' },
  };
}

function peerPrincipal(tls: TlsInfo | null): string {
  if (!tls) return '';
  return tls.peerUri || tls.peerDnsNames[0] || tls.peerSubject;
}
