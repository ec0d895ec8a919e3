// Keys, certificates and identities.
export { Secret } from '../lib/index.ts';
export { CertificateAuthority, type IssuedCertificate, type IssueOptions } from './certificate-authority.ts';
export { createCertificateRequest, parseCertificateRequest, type CertificateRequest, type RequestedNames } from './certificate-request.ts';
export { parseCertificateDer, parseCertificates, verifyChain, type CertificateInfo } from './certificates.ts';
export { KeyPair, toPem, type KeyAlgorithm } from './keys.ts';
export { hasOneIdentity, parseAlternativeNames, parsePeerNames, type AlternativeNames, type PeerNames } from './peer-names.ts';
export { rotationTime } from './rotation.ts';
export { formatSpiffeId, parseSpiffeId, spiffeIdOfUser, type SpiffeId } from './spiffe-id.ts';
export { TrustBundle } from './trust-bundle.ts';
