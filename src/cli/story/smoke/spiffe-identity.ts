// spiffe-identity: a workload shows a certificate with its SPIFFE id, signed by the mesh's root; an application is told who called it.
import { once } from 'node:events';
import { connect, type TLSSocket } from 'node:tls';
import { parseCertificateDer, parseCertificates, verifyChain, type CertificateInfo } from '../../../shared/pki/index.ts';
import { configMapType } from '../../cluster/mesh-types.ts';
import { httpbin, httpbinPods } from './httpbin-traffic.ts';
import { claim, type SmokeStep } from './step.ts';

const SERVER_ID = 'spiffe://cluster.local/ns/httpbin/sa/httpbin';
const GATEWAY_ID = 'spiffe://cluster.local/ns/istio-system/sa/istio-ingressgateway-service-account';

/** The certificates that a TLS server at the address shows, leaf first. The handshake itself may fail afterwards: we have no client certificate. */
async function shownCertificates(host: string, port: number): Promise<CertificateInfo[]> {
  // The chain is judged below against the mesh's own root, not against this machine's.
  const socket: TLSSocket = connect({ host, port, ALPNProtocols: ['istio'], servername: 'outbound_.8000_._.httpbin.httpbin.svc.cluster.local', rejectUnauthorized: false });
  socket.on('error', () => undefined); // The server may close for want of a client certificate, after it has shown its own.
  await once(socket, 'secureConnect', { signal: AbortSignal.timeout(5_000) });
  const chain: CertificateInfo[] = [];
  let shown = socket.getPeerCertificate(true);
  while (shown?.raw && !chain.some((one) => one.serialNumber.toLowerCase().endsWith(shown.serialNumber.toLowerCase()))) {
    chain.push(parseCertificateDer(shown.raw));
    if (!shown.issuerCertificate) break;
    shown = shown.issuerCertificate;
  }
  socket.destroy();
  return chain;
}

/** The smoke step `spiffe-identity`; the line at the top of this file is what it claims. */
export const spiffeIdentity: SmokeStep = async (context) => {
  const [pod] = await httpbinPods(context, 'v2');
  claim(pod?.status?.podIP !== undefined, 'httpbin v2 has no pod with an address');
  const chain = await shownCertificates(pod.status.podIP, 8080);
  const [leaf] = chain;
  claim(leaf?.uris.length === 1 && leaf.uris[0] === SERVER_ID, `httpbin shows the names ${leaf?.uris.join(', ') || 'none'}, not ${SERVER_ID}`);
  const roots = (await context.client.get(configMapType, 'istio-ca-root-cert', 'httpbin')).data?.['root-cert.pem'] ?? '';
  claim(verifyChain(chain, parseCertificates(roots)), 'the certificate is not signed by the root in ConfigMap istio-ca-root-cert');
  const { headers } = JSON.parse((await httpbin(context, { path: '/headers' })).body) as { headers: Record<string, string> };
  const forwarded = headers['X-Forwarded-Client-Cert'] ?? '';
  claim(forwarded.includes(`URI=${GATEWAY_ID}`) && forwarded.includes(`By=${SERVER_ID}`), `the application saw X-Forwarded-Client-Cert: ${forwarded || '(none)'}`);
  return { server: SERVER_ID, client: GATEWAY_ID, valid_hours: Math.round((leaf.notAfter.getTime() - Date.now()) / 360_000) / 10 };
};
