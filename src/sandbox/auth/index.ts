// Who may enter the embedded cluster and what they may do: certificates, tokens, RBAC.
export { CertificateAuthority, userOfCertificate, type KeyPairPem } from './certificate-authority.ts';
export { DEFAULT_ROLES, type DefaultRole } from './default-roles.ts';
export { RbacAuthorizer, ruleAllows, type AccessRequest, type PolicyRule } from './rbac.ts';
export { ServiceAccountTokens, type TokenSubject, type VerifiedToken } from './service-account-tokens.ts';
export { ANONYMOUS, authenticated, serviceAccountUser, type User } from './user.ts';
