// The certificate service (istio.v1.auth.IstioCertificateService): signs a proxy's key for the identity that the caller has proved.
// The names in the request are not read: a certificate says who the caller is, not who it would like to be.
import { GrpcError } from '../../shared/grpc/index.ts';
import type { IstioCertificateRequest, IstioCertificateResponse } from '../../shared/xds/generated/istio/certificate.ts';
import type { ReadonlyTable } from '../../shared/lib/index.ts';
import { createLogger, programMetrics } from '../../shared/observability/index.ts';
import { formatSpiffeId, parseCertificateRequest } from '../../shared/pki/index.ts';
import type { Authenticator, CallCredentials } from './authenticator.ts';
import type { MeshAuthority } from './authority.ts';

/** Lifetimes of workload certificates. */
export interface CertificateLifetimes {
  readonly defaultMilliseconds: number;
  readonly maximumMilliseconds: number;
}

const requests = programMetrics.counter('citadel_server_csr_count', 'Certificate requests received.');
const issued = programMetrics.counter('citadel_server_success_cert_issuance_count', 'Certificates issued.');
const unreadable = programMetrics.counter('citadel_server_csr_parsing_err_count', 'Certificate requests that could not be read.');

/** Answers certificate requests. */
export class CertificateService {
  readonly #authority: MeshAuthority;
  readonly #authenticator: Authenticator;
  readonly #members: ReadonlyTable<string, true>;
  readonly #lifetimes: CertificateLifetimes;
  readonly #log = createLogger('ca');

  constructor(authority: MeshAuthority, authenticator: Authenticator, members: ReadonlyTable<string, true>, lifetimes: CertificateLifetimes) {
    this.#authority = authority;
    this.#authenticator = authenticator;
    this.#members = members;
    this.#lifetimes = lifetimes;
  }

  /** Signs the key of `request` for its caller; throws a GrpcError otherwise. */
  async createCertificate(request: IstioCertificateRequest, credentials: CallCredentials): Promise<IstioCertificateResponse> {
    requests.add({});
    const caller = await this.#authenticator.authenticate(credentials);
    if (caller.kind === 'unavailable') throw new GrpcError('UNAVAILABLE', caller.message);
    if (caller.kind === 'refused') throw new GrpcError('UNAUTHENTICATED', caller.message);
    const { identity } = caller;
    if (!this.#members.has(identity.namespace)) throw new GrpcError('PERMISSION_DENIED', `namespace ${identity.namespace} is not a member of this mesh; add it to the ServiceMeshMemberRoll`);
    const lifetimeMilliseconds = this.#lifetime(request.validityDuration ?? 0);
    const publicKey = await this.#publicKey(request.csr ?? '');
    const uri = formatSpiffeId(identity);
    const chain = await this.#authority.authority.issue({ publicKey, uris: [uri], lifetimeMilliseconds });
    issued.add({});
    this.#log.info({ identity: uri, by: caller.by }, 'certificate issued');
    return { certChain: [...splitPem(chain), this.#authority.current.rootsPem] };
  }

  #lifetime(seconds: number): number {
    const { defaultMilliseconds, maximumMilliseconds } = this.#lifetimes;
    if (seconds < 0) throw new GrpcError('INVALID_ARGUMENT', 'validity_duration is negative');
    if (seconds * 1000 > maximumMilliseconds) throw new GrpcError('INVALID_ARGUMENT', `validity_duration is ${seconds} s; at most ${maximumMilliseconds / 1000} s are given`);
    return seconds === 0 ? defaultMilliseconds : seconds * 1000;
  }

  async #publicKey(csr: string): Promise<Uint8Array> {
    try {
      return (await parseCertificateRequest(csr)).publicKeyDer;
    } catch (cause) {
      unreadable.add({});
      throw new GrpcError('INVALID_ARGUMENT', `the certificate request cannot be used: ${(cause as Error).message}`, { cause });
    }
  }
}

function splitPem(pem: string): string[] {
  return (pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map((block) => `${block}\n`);
}
