// Requirements as verifiers: a provider's token, any of several, all of several, and the two that let requests without a good token pass. What a request's headers
// and metadata get from good tokens is kept in `Verification` until the outcome is known.
import type { JwtProviderConfig, JwtRequirementConfig } from '../../../config/jwt-authn-config.ts';
import type { RequestHeaders } from '../../../stream/header-map.ts';
import { addClaimHeader } from './claim-headers.ts';
import { parseToken, type JsonWebToken } from './json-web-token.ts';
import { compileAudiences, type AudienceCheck, type Provider, type ReadToken } from './provider.ts';
import { statusText, type JwtStatus } from './status.ts';
import { compileTokenFinder, type FoundToken } from './token-locations.ts';

/** The check of one request. */
export interface Verification {
  readonly headers: RequestHeaders;
  /** What goes into dynamic metadata. */
  readonly metadata: Record<string, unknown>;
  clearRoute: boolean;
  /** Ends a wait for keys. */
  cancel: () => void;
}

/** Checks a request; `done` may be called at once. */
export type Verifier = (verification: Verification, done: (status: JwtStatus) => void) => void;

type Providers = ReadonlyMap<string, Provider>;

/** Compiles a requirement. */
export function compileRequirement(config: JwtRequirementConfig, providers: Providers): Verifier {
  switch (config.kind) {
    case 'nothing': return (_verification, done) => done('ok');
    case 'provider': return providerVerifier(providers.get(config.provider), config.audiences);
    case 'any': return anyVerifier(config.requirements, providers);
    case 'all': return allVerifier(config.requirements.map((requirement) => compileRequirement(requirement, providers)));
    case 'allow_missing': return lenientVerifier(providers, false);
    case 'allow_missing_or_failed': return lenientVerifier(providers, true);
  }
}

/** All tokens that stand where the provider looks must be good: the application may read any of them. */
function providerVerifier(provider: Provider | undefined, audiences: readonly string[] | null): Verifier {
  if (!provider) return (_verification, done) => done('unknown_issuer');
  const finder = compileTokenFinder([provider.config]);
  const audienceCheck = audiences ? compileAudiences(audiences) : null;
  return (verification, done) => {
    finder.sanitize(verification.headers);
    const finish = (status: JwtStatus): void => {
      const { failedStatusInMetadata: key } = provider.config;
      if (status !== 'ok' && key !== '') verification.metadata[key] = { message: statusText(status) };
      done(status);
    };
    const found = finder.find(verification.headers);
    if (found.length === 0) return finish('missing');
    inTurn(found.reverse(), (token, next) => checkFound(token, provider, audienceCheck, verification, next), (status) => status !== 'ok', finish);
  };
}

function checkFound(found: FoundToken, provider: Provider, audiences: AudienceCheck | null, verification: Verification, done: (status: JwtStatus) => void): void {
  const read = provider.read(found);
  if (typeof read === 'string') return done(read);
  if (!found.allows(read.token.issuer)) return done('unknown_issuer');
  checkRead(read, found, provider, audiences, verification, done);
}

function checkRead(read: ReadToken, found: FoundToken, provider: Provider, audiences: AudienceCheck | null, verification: Verification, done: (status: JwtStatus) => void): void {
  let over = false;
  const cancel = provider.check(read, audiences, (status) => {
    over = true;
    if (status === 'ok') accept(read.token, found, provider.config, verification);
    done(status);
  });
  // What was decided at once may have begun the next wait already.
  if (!over) verification.cancel = cancel;
}

/** Tokens of any provider; each goes to the one that its issuer names, else to one that takes any issuer. */
function lenientVerifier(providers: Providers, allowFailed: boolean): Verifier {
  const all = [...providers.values()];
  const finder = compileTokenFinder(all.map(({ config }) => config));
  return (verification, done) => {
    finder.sanitize(verification.headers);
    const found = finder.find(verification.headers);
    if (found.length === 0) return done('ok');
    const check = (token: FoundToken, next: (status: JwtStatus) => void): void => {
      const parsed = parseToken(token.text);
      if (typeof parsed === 'string') return next(parsed);
      const provider = all.find(({ config }) => config.issuer === parsed.issuer) ?? all.find(({ config }) => config.issuer === '');
      if (!provider || !token.allows(parsed.issuer)) return next('unknown_issuer');
      checkRead({ text: token.text, token: parsed, verifiedBy: null }, token, provider, null, verification, next);
    };
    let worst: JwtStatus = 'ok';
    inTurn(found.reverse(), (token, next) => check(token, (status) => {
      if (status !== 'ok') worst = status;
      next(status);
    }), () => false, () => done(allowFailed ? 'ok' : worst));
  };
}

/** One suffices. What is told of failures is the most telling one: a bad token before one of a foreign issuer before none. */
function anyVerifier(requirements: readonly JwtRequirementConfig[], providers: Providers): Verifier {
  const allowFailed = requirements.some(({ kind }) => kind === 'allow_missing_or_failed');
  const allowMissing = requirements.some(({ kind }) => kind === 'allow_missing');
  const strict = requirements.filter(({ kind }) => kind !== 'allow_missing' && kind !== 'allow_missing_or_failed');
  if (strict.length === 0) return lenientVerifier(providers, allowFailed);
  const verifiers = strict.map((requirement) => compileRequirement(requirement, providers));
  return (verification, done) => {
    let told: JwtStatus = 'missing';
    inTurn(verifiers, (verifier, next) => verifier(verification, (status) => {
      if (status !== 'ok' && ((status !== 'missing' && status !== 'unknown_issuer') || told === 'missing')) told = status;
      next(status);
    }), (status) => status === 'ok', (status) => done(status === 'ok' || allowFailed || (allowMissing && told === 'missing') ? 'ok' : told));
  };
}

function allVerifier(verifiers: readonly Verifier[]): Verifier {
  return (verification, done) => inTurn(verifiers, (verifier, next) => verifier(verification, next), (status) => status !== 'ok', done);
}

/** Runs `check` on one item after the other until `stop` says so; `done` gets the last status. */
function inTurn<T>(items: readonly T[], check: (item: T, next: (status: JwtStatus) => void) => void, stop: (status: JwtStatus) => boolean, done: (status: JwtStatus) => void, index = 0): void {
  const item = items[index];
  if (item === undefined) return done('ok');
  check(item, (status) => {
    if (stop(status) || index === items.length - 1) done(status);
    else inTurn(items, check, stop, done, index + 1);
  });
}

/** What a good token brings: headers for the application, metadata for the filters behind, and its own removal. */
function accept(token: JsonWebToken, found: FoundToken, config: JwtProviderConfig, verification: Verification): void {
  const { headers, metadata } = verification;
  if (config.forwardPayloadHeader !== '') headers.add(config.forwardPayloadHeader, config.padForwardPayloadHeader ? padded(token.payloadText) : token.payloadText);
  let added = false;
  for (const { header, claim } of config.claimToHeaders) added = addClaimHeader(headers, header, token.payload, claim) || added;
  if (!config.forward) found.remove(headers);
  if (config.headerInMetadata !== '') metadata[config.headerInMetadata] = token.header;
  if (config.payloadInMetadata !== '') metadata[config.payloadInMetadata] = withLists(token.payload, config.spaceDelimitedClaims);
  if (config.clearRouteCache && (added || config.payloadInMetadata !== '')) verification.clearRoute = true;
}

function padded(text: string): string {
  return text.padEnd(Math.ceil(text.length / 4) * 4, '=');
}

/** Claims that hold words with blanks between, as lists. */
function withLists(payload: Readonly<Record<string, unknown>>, claims: readonly string[]): Readonly<Record<string, unknown>> {
  const listed = claims.flatMap((claim) => {
    const value = Object.hasOwn(payload, claim) ? payload[claim] : undefined;
    return typeof value === 'string' ? [[claim, value.split(' ').filter((word) => word !== '')] as const] : [];
  });
  return listed.length > 0 ? { ...payload, ...Object.fromEntries(listed) } : payload;
}
