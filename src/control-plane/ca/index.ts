// The certificate authority and the identity of callers.
export { Authenticator, type Authentication, type CallCredentials } from './authenticator.ts';
export { MeshAuthority, type AuthorityOptions, type AuthorityState } from './authority.ts';
export { CertificateService, type CertificateLifetimes } from './certificate-service.ts';
export { ROOT_CONFIG_MAP, RootDistribution } from './root-distribution.ts';
