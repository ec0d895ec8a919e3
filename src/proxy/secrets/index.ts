// The workload's identity and the secrets of TLS.
export { CREATE_CERTIFICATE, requestCertificate, type CertificateClientOptions, type WorkloadCertificate } from './certificate-client.ts';
export { isRemoteSecret, MESH_ROOTS, SecretStore, WORKLOAD_CERTIFICATE, type SecretDescription } from './secret-store.ts';
export { WorkloadIdentity, type ClientIdentity, type WorkloadIdentityOptions } from './workload-identity.ts';
