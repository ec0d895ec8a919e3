// Where the workload's identity comes from, out of the proxy's options: for our own data plane and for an Envoy alike.
import { formatSpiffeId } from '../shared/pki/index.ts';
import type { ProxyOptions } from './options/index.ts';
import type { SecretStore, WorkloadIdentityOptions } from './secrets/index.ts';

/** The identity's options; it keeps what it gets in `store`. */
export function identityOptions(options: ProxyOptions, store: SecretStore): WorkloadIdentityOptions {
  return {
    caAddress: options.caAddress, clusterId: options.clusterId, lifetimeSeconds: options.certificateLifetimeSeconds, tokenFile: options.tokenFile, rootCertificateFile: options.rootCertificateFile,
    workloadCertificateFolder: options.workloadCertificateFolder, store,
    spiffeId: formatSpiffeId({ trustDomain: options.trustDomain, namespace: options.podNamespace, serviceAccount: options.serviceAccount }),
  };
}
