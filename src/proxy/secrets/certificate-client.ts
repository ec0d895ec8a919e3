// Asks the certificate authority for a workload certificate: a key pair made in this process, a signing request over gRPC with the pod's
// service account token (istio.v1.auth.IstioCertificateService).
import { GrpcClient, protobufCodec, type GrpcMethod } from '../../shared/grpc/index.ts';
import { createCertificateRequest, KeyPair, type Secret } from '../../shared/pki/index.ts';
import { IstioCertificateRequest, IstioCertificateResponse } from '../../shared/xds/generated/istio/certificate.ts';

/** The authority's one method. */
export const CREATE_CERTIFICATE: GrpcMethod<IstioCertificateRequest, IstioCertificateResponse> = {
  path: '/istio.v1.auth.IstioCertificateService/CreateCertificate',
  request: protobufCodec(IstioCertificateRequest),
  response: protobufCodec(IstioCertificateResponse),
};

/** Where the authority is and who asks. */
export interface CertificateClientOptions {
  /** `host:port`; port 15010 is plain text. */
  readonly address: string;
  readonly clusterId: string;
  /** `spiffe://...`: what the request names; the authority decides by the token. */
  readonly spiffeId: string;
  readonly lifetimeSeconds: number;
  readonly readRoots: () => string | undefined;
  readonly readToken: () => Promise<string | undefined>;
}

/** A certificate as received, with its key. */
export interface WorkloadCertificate {
  readonly certificateChainPem: string;
  readonly privateKeyPem: Secret;
  readonly rootPem: string;
}

/** Makes a key and has it signed. Throws when the authority can not be reached or refuses. */
export async function requestCertificate(options: CertificateClientOptions): Promise<WorkloadCertificate> {
  const roots = options.readRoots();
  const plain = options.address.endsWith(':15010');
  if (!plain && roots === undefined) throw new Error('the roots of the control plane are not there yet');
  const key = await KeyPair.generate('EC_P256');
  const csr = await createCertificateRequest(key, { uris: [options.spiffeId] });
  const client = new GrpcClient({
    address: options.address,
    ...(plain ? {} : { tls: { rootsPem: roots ?? '' } }),
    token: options.readToken,
    metadata: { clusterid: options.clusterId },
  });
  try {
    const { certChain = [] } = await client.unary(CREATE_CERTIFICATE, { csr, validityDuration: options.lifetimeSeconds }, { timeoutMilliseconds: 10_000 });
    return splitChain(certChain, key.privateKeyPem);
  } finally {
    client.close();
  }
}

/** The answer is leaf first, root last; a chain of one names no root. */
function splitChain(chain: readonly string[], privateKeyPem: Secret): WorkloadCertificate {
  const parts = chain.map((part) => (part.endsWith('\n') ? part : `${part}\n`));
  if (parts.length === 0) throw new Error('the certificate authority answered without a certificate');
  const root = parts.length > 1 ? parts.at(-1) ?? '' : '';
  return { certificateChainPem: (parts.length > 1 ? parts.slice(0, -1) : parts).join(''), privateKeyPem, rootPem: root };
}
