// The webhook's semantic checks of VirtualService: what a schema can not say.
import type { Issue } from '../../lib/index.ts';
import { checkDuration, checkExportTo, checkHost, checkPercent, checkPort, checkRegex, checkWeights, Findings, isAddressOrBlock } from './validation-rules.ts';
import { checkAuthority, checkChangedHeader, checkTarget } from './wire-text.validation.ts';
import type { Destination, HeaderManipulation, HttpFaultInjection, HttpMatchRequest, HttpRetry, HttpRoute, StringMatch, VirtualService } from './virtual-service.ts';

/** What is wrong with `object`; an error keeps it out. */
export function validateVirtualService(object: VirtualService): Issue[] {
  const findings = new Findings();
  const { spec } = object;
  const delegate = !spec.hosts?.length;
  if (delegate) checkDelegateTarget(object, findings);
  else checkHosts(object, findings);
  spec.gateways?.forEach((gateway, index) => {
    if (gateway !== 'mesh' && (gateway === '' || gateway.split('/').length > 2)) findings.error(`spec.gateways[${index}]`, `${JSON.stringify(gateway)} is not a gateway. Write a name, namespace/name or "mesh".`);
  });
  if (!spec.http?.length && !spec.tls?.length && !spec.tcp?.length) findings.error('spec', 'There is no route. Give at least one of http, tls or tcp.');
  spec.http?.forEach((route, index) => checkHttpRoute(route, `spec.http[${index}]`, delegate, findings));
  checkUnreachable(spec.http ?? [], findings);
  spec.tls?.forEach((route, index) => checkTls(route, `spec.tls[${index}]`, spec.hosts ?? [], findings));
  spec.tcp?.forEach((route, index) => checkTcp(route, `spec.tcp[${index}]`, findings));
  checkExportTo(spec.exportTo, object.metadata.namespace, findings);
  return findings.issues;
}

function checkDelegateTarget({ spec }: VirtualService, findings: Findings): void {
  if (spec.gateways?.length) findings.error('spec.gateways', 'A VirtualService without hosts is a delegate and takes no gateways. Give hosts or remove the gateways.');
  if (spec.tls?.length || spec.tcp?.length) findings.error('spec', 'A delegate may only have http routes. Give hosts or remove tls and tcp.');
}

function checkHosts({ spec }: VirtualService, findings: Findings): void {
  const seen = new Set<string>();
  const mesh = !spec.gateways?.length || spec.gateways.includes('mesh');
  spec.hosts?.forEach((host, index) => {
    const path = `spec.hosts[${index}]`;
    checkHost(host, path, findings, { wildcard: true, address: true });
    if (host === '*' && mesh) findings.error(path, 'The host * can not be used for the whole mesh. Name the hosts or give gateways.');
    if (seen.has(host)) findings.error(path, `The host ${host} is given twice. Remove one.`);
    seen.add(host);
  });
}

function checkHttpRoute(route: HttpRoute, path: string, delegate: boolean, findings: Findings): void {
  const actions = [route.route?.length, route.redirect, route.directResponse, route.delegate].filter(Boolean).length;
  if (actions === 0) findings.error(path, 'The route does nothing. Give one of route, redirect, directResponse or delegate.');
  if (actions > 1) findings.error(path, 'Only one of route, redirect, directResponse and delegate can be given. Remove the others.');
  if (delegate && route.delegate) findings.error(`${path}.delegate`, 'A delegate can not delegate further. Move the routes here.');
  if ((route.redirect || route.directResponse) && route.fault) findings.error(`${path}.fault`, 'A redirect or direct response takes no fault. Remove one of the two.');
  if ((route.redirect || route.directResponse) && route.rewrite) findings.error(`${path}.rewrite`, 'A redirect or direct response takes no rewrite. Remove one of the two.');
  route.match?.forEach((match, index) => checkMatch(match, `${path}.match[${index}]`, findings));
  route.route?.forEach(({ destination, headers }, index) => {
    checkDestination(destination, `${path}.route[${index}].destination`, findings);
    checkHeaders(headers, `${path}.route[${index}].headers`, findings);
  });
  checkWeights(route.route?.map(({ weight }) => weight) ?? [], `${path}.route`, findings);
  checkRedirect(route, path, findings);
  checkRewrite(route, path, findings);
  checkDuration(route.timeout, `${path}.timeout`, findings, true);
  checkRetries(route.retries, `${path}.retries`, findings);
  checkWithoutEffect(route, path, findings);
  checkFault(route.fault, `${path}.fault`, findings);
  checkMirrors(route, path, findings);
  checkHeaders(route.headers, `${path}.headers`, findings);
  checkDuration(route.corsPolicy?.maxAge, `${path}.corsPolicy.maxAge`, findings, true);
  route.corsPolicy?.allowOrigins?.forEach((origin, index) => checkStringMatch(origin, `${path}.corsPolicy.allowOrigins[${index}]`, findings));
}

function checkWithoutEffect({ retries, fault }: HttpRoute, path: string, findings: Findings): void {
  findings.withoutEffect(retries, ['retryRemoteLocalities'], `${path}.retries`);
  findings.withoutEffect(fault?.abort, ['http2Error'], `${path}.fault.abort`);
  findings.withoutEffect(fault?.delay, ['exponentialDelay'], `${path}.fault.delay`);
}

function checkMatch(match: HttpMatchRequest, path: string, findings: Findings): void {
  for (const field of ['uri', 'scheme', 'method', 'authority'] as const) if (match[field]) checkStringMatch(match[field], `${path}.${field}`, findings);
  for (const field of ['headers', 'withoutHeaders', 'queryParams'] as const) {
    for (const [name, condition] of Object.entries(match[field] ?? {})) {
      if (name === '') findings.error(`${path}.${field}`, 'A name is empty.');
      if (Object.keys(condition).length > 0) checkStringMatch(condition, `${path}.${field}.${name}`, findings, true);
      if (name.startsWith('@')) checkClaim(name, field, `${path}.${field}.${name}`, findings);
    }
  }
  if (match.port !== undefined) checkPort(match.port, `${path}.port`, findings);
}

/** `@request.auth.claims.a.b` and `@request.auth.claims[a][b]` in place of a header. */
function checkClaim(name: string, field: string, path: string, findings: Findings): void {
  if (field === 'queryParams') findings.error(path, 'Claims can only be matched as headers.');
  else if (!/^@request\.auth\.claims(\..+|\[.+\])$/i.test(name)) findings.error(path, 'This is neither a header nor a claim. Write @request.auth.claims[name].');
}

function checkStringMatch(match: StringMatch, path: string, findings: Findings, emptyPrefix = false): void {
  const given = [match.exact, match.prefix, match.regex].filter((value) => value !== undefined).length;
  if (given !== 1) return findings.error(path, 'Give exactly one of exact, prefix and regex.');
  if (match.prefix === '' && !emptyPrefix) findings.error(`${path}.prefix`, 'The prefix is empty. Give a value or remove the condition.');
  if (match.regex === '') findings.error(`${path}.regex`, 'The regular expression is empty. Give a value or remove the condition.');
  if (match.regex && match.regex !== '*') checkRegex(match.regex, `${path}.regex`, findings);
}

function checkDestination(destination: Destination, path: string, findings: Findings): void {
  if (destination.host === '*') findings.error(`${path}.host`, 'A destination must be one host, not *.');
  else checkHost(destination.host, `${path}.host`, findings, { wildcard: false, address: true });
  if (destination.port) checkPort(destination.port.number, `${path}.port.number`, findings);
  if (destination.subset !== undefined && !/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/i.test(destination.subset)) findings.error(`${path}.subset`, `${JSON.stringify(destination.subset)} is not a subset name. Use letters, digits and dashes.`);
}

function checkRedirect({ redirect, directResponse }: HttpRoute, path: string, findings: Findings): void {
  if (redirect) {
    const { redirectCode } = redirect;
    if (redirectCode !== undefined && redirectCode !== 0 && ![301, 302, 303, 307, 308].includes(redirectCode)) findings.error(`${path}.redirect.redirectCode`, `${redirectCode} is not a redirect. Use 301, 302, 303, 307 or 308.`);
    if (redirect.uri !== undefined && redirect.prefixRewrite !== undefined) findings.error(`${path}.redirect`, 'Only one of uri and prefixRewrite can be given.');
    if (redirect.port !== undefined) checkPort(redirect.port, `${path}.redirect.port`, findings);
    checkTarget(redirect.uri ?? redirect.prefixRewrite, `${path}.redirect.uri`, findings);
    checkAuthority(redirect.authority, `${path}.redirect.authority`, findings);
  }
  if (directResponse) {
    const { status, body } = directResponse;
    if (status < 100 || status > 599) findings.error(`${path}.directResponse.status`, `${status} is not an HTTP status. Use 100 to 599.`);
    const size = (body?.string ?? body?.bytes ?? '').length;
    if (size > 1_048_576) findings.error(`${path}.directResponse.body`, 'The body is larger than 1 MB. Serve it from a workload.');
    else if (size > 102_400) findings.warning(`${path}.directResponse.body`, 'The body is larger than 100 kB and is sent to every proxy. Serve it from a workload.');
  }
}

function checkRewrite({ rewrite }: HttpRoute, path: string, findings: Findings): void {
  if (!rewrite) return;
  if (!rewrite.uri && !rewrite.authority && !rewrite.uriRegexRewrite) findings.error(`${path}.rewrite`, 'The rewrite changes nothing. Give uri, authority or uriRegexRewrite.');
  if (rewrite.uri && rewrite.uriRegexRewrite) findings.error(`${path}.rewrite`, 'Only one of uri and uriRegexRewrite can be given.');
  checkTarget(rewrite.uri ?? rewrite.uriRegexRewrite?.rewrite?.replaceAll('\\', ''), `${path}.rewrite.uri`, findings);
  checkAuthority(rewrite.authority, `${path}.rewrite.authority`, findings);
  if (rewrite.uriRegexRewrite) checkRegex(rewrite.uriRegexRewrite.match ?? '', `${path}.rewrite.uriRegexRewrite.match`, findings);
}

const RETRY_CONDITIONS = new Set([
  '5xx', 'gateway-error', 'reset', 'reset-before-request', 'connect-failure', 'envoy-ratelimited', 'retriable-4xx', 'refused-stream', 'retriable-status-codes', 'retriable-headers',
  'http3-post-connect-failure', 'cancelled', 'deadline-exceeded', 'internal', 'resource-exhausted', 'unavailable',
]);

function checkRetries(retries: HttpRetry | undefined, path: string, findings: Findings): void {
  if (!retries) return;
  const { attempts, perTryTimeout, retryOn, backoff } = retries;
  if (attempts !== undefined && attempts < 0) findings.error(`${path}.attempts`, `The number of attempts ${attempts} is negative. Use 0 to turn retries off.`);
  if (attempts === 0 && (perTryTimeout !== undefined || retryOn !== undefined)) findings.error(path, 'With attempts: 0 there are no retries, so nothing else can be set. Remove the other fields.');
  checkDuration(perTryTimeout, `${path}.perTryTimeout`, findings, true);
  checkDuration(backoff, `${path}.backoff`, findings);
  for (const token of (retryOn ?? '').split(',').map((part) => part.trim()).filter((part) => part !== '')) {
    const status = /^\d+$/.test(token) && Number(token) >= 100 && Number(token) <= 599;
    if (!status && !RETRY_CONDITIONS.has(token)) findings.error(`${path}.retryOn`, `${JSON.stringify(token)} is neither a retry condition nor a status code.`);
  }
}

function checkFault(fault: HttpFaultInjection | undefined, path: string, findings: Findings): void {
  if (!fault) return;
  if (!fault.delay && !fault.abort) findings.error(path, 'The fault does nothing. Give delay or abort.');
  if (fault.delay) {
    if (fault.delay.fixedDelay === undefined) findings.error(`${path}.delay.fixedDelay`, 'The delay has no duration. Give fixedDelay.');
    checkDuration(fault.delay.fixedDelay, `${path}.delay.fixedDelay`, findings);
    checkPercent(fault.delay.percentage?.value, `${path}.delay.percentage.value`, findings);
    checkPercent(fault.delay.percent, `${path}.delay.percent`, findings);
  }
  if (fault.abort) {
    const { httpStatus, grpcStatus } = fault.abort;
    if (httpStatus === undefined && grpcStatus === undefined) findings.error(`${path}.abort`, 'The abort has no status. Give httpStatus or grpcStatus.');
    if (httpStatus !== undefined && (httpStatus < 200 || httpStatus > 599)) findings.error(`${path}.abort.httpStatus`, `${httpStatus} is not an HTTP status. Use 200 to 599.`);
    checkPercent(fault.abort.percentage?.value, `${path}.abort.percentage.value`, findings);
  }
}

function checkMirrors(route: HttpRoute, path: string, findings: Findings): void {
  if (route.mirror && route.mirrors?.length) findings.error(path, 'Only one of mirror and mirrors can be given.');
  if (route.mirror) checkDestination(route.mirror, `${path}.mirror`, findings);
  route.mirrors?.forEach((mirror, index) => {
    checkDestination(mirror.destination, `${path}.mirrors[${index}].destination`, findings);
    checkPercent(mirror.percentage?.value, `${path}.mirrors[${index}].percentage.value`, findings);
  });
  checkPercent(route.mirrorPercentage?.value, `${path}.mirrorPercentage.value`, findings);
  checkPercent(route.mirrorPercent, `${path}.mirrorPercent`, findings);
}

function checkHeaders(headers: HeaderManipulation | undefined, path: string, findings: Findings): void {
  for (const side of ['request', 'response'] as const) {
    const operations = headers?.[side];
    const names = [...Object.keys(operations?.set ?? {}), ...Object.keys(operations?.add ?? {}), ...(operations?.remove ?? [])];
    for (const name of names) {
      checkChangedHeader(name, `${path}.${side}`, findings);
      if (name.startsWith(':') && name !== ':authority') findings.error(`${path}.${side}`, `${name} is a pseudo header and can not be changed here.`);
      else if (!name.startsWith(':') && !/^[!#$%&'*+\-.^_`|~0-9a-z]+$/i.test(name)) findings.error(`${path}.${side}`, `${JSON.stringify(name)} is not a header name.`);
    }
    for (const [name, value] of Object.entries({ ...operations?.set, ...operations?.add })) if (/[\r\n\0]/.test(value)) findings.error(`${path}.${side}.${name}`, 'A header value can not hold line breaks.');
  }
}

/** A route behind one that takes everything is never used. */
function checkUnreachable(routes: readonly HttpRoute[], findings: Findings): void {
  const index = routes.findIndex(({ match }) => !match?.length);
  if (index >= 0 && index < routes.length - 1) findings.warning(`spec.http[${index + 1}]`, `The route is never used, since http[${index}] matches everything. Move it up.`);
}

function checkTls(route: NonNullable<VirtualService['spec']['tls']>[number], path: string, hosts: readonly string[], findings: Findings): void {
  if (route.match.length === 0) findings.error(`${path}.match`, 'A TLS route needs a match with sniHosts.');
  route.match.forEach((match, index) => {
    if (match.sniHosts.length === 0) findings.error(`${path}.match[${index}].sniHosts`, 'A TLS match needs at least one server name.');
    for (const name of match.sniHosts) {
      const covered = hosts.some((host) => host === '*' || host === name || (host.startsWith('*') && name.endsWith(host.slice(1))));
      if (!covered) findings.error(`${path}.match[${index}].sniHosts`, `The server name ${name} is not among the hosts of this VirtualService. Add it there.`);
    }
    checkL4(match, `${path}.match[${index}]`, findings);
  });
  checkL4Destinations(route.route, path, findings);
}

function checkTcp(route: NonNullable<VirtualService['spec']['tcp']>[number], path: string, findings: Findings): void {
  route.match?.forEach((match, index) => {
    checkL4(match, `${path}.match[${index}]`, findings);
    if (match.sourceSubnet) findings.notEnforced(`${path}.match[${index}].sourceSubnet`, 'Source addresses are not matched by this version: the route would take every client\'s connections. Use sourceLabels or an AuthorizationPolicy with ipBlocks.');
  });
  checkL4Destinations(route.route, path, findings);
}

function checkL4(match: { readonly port?: number | undefined; readonly destinationSubnets?: readonly string[] | undefined }, path: string, findings: Findings): void {
  if (match.port !== undefined) checkPort(match.port, `${path}.port`, findings);
  if (match.destinationSubnets?.length) findings.notEnforced(`${path}.destinationSubnets`, 'Destination addresses are not matched by this version: the route would take connections to every address. Use a host or port of its own.');
  match.destinationSubnets?.forEach((subnet, index) => {
    if (!isAddressOrBlock(subnet)) findings.error(`${path}.destinationSubnets[${index}]`, `${JSON.stringify(subnet)} is not an address block.`);
  });
}

function checkL4Destinations(routes: readonly { readonly destination: Destination; readonly weight?: number | undefined }[] | undefined, path: string, findings: Findings): void {
  if (!routes?.length) return findings.error(`${path}.route`, 'The route has no destination. Give at least one.');
  routes.forEach(({ destination }, index) => checkDestination(destination, `${path}.route[${index}].destination`, findings));
  checkWeights(routes.map(({ weight }) => weight), `${path}.route`, findings);
}
