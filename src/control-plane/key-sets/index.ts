// Key sets of token issuers, fetched for the proxies.
export { KeySetResolver, type KeySetResolverOptions } from './key-set-resolver.ts';
export { SettledTokenRules } from './settled-token-rules.ts';
