// Routes: host order, matches, rewrites, redirects and header changes.
import { describe, expect, it } from 'vitest';
import { createStreamInfo } from '../stream/create-stream-info.ts';
import { RequestHeaders } from '../stream/header-map.ts';
import { NO_MUTATIONS, route, routeAction, routeConfig, virtualHost } from '../listener/testdata/config-builder.ts';
import { mutateRequest } from './header-mutations.ts';
import { compileRedirect, compileRewrite } from './rewrite.ts';
import { RouteTable } from './route-table.ts';

function request(authority: string, path = '/', headers: readonly string[] = []): RequestHeaders {
  const made = new RequestHeaders([...headers]);
  made.authority = authority;
  made.path = path;
  return made;
}

const CONNECTION = { id: 1, listenerName: 'l', direction: 'inbound', remoteAddress: '10.0.0.1:1234', localAddress: '10.0.0.2:80', startMilliseconds: 0, tls: null, keptSource: null, peer: null } as const;

describe('RouteTable', () => {
  it('takes the most specific virtual host and the first route that matches', () => {
    const host = (name: string, domains: readonly string[]) => virtualHost([route(routeAction(name))], { name, domains });
    const table = new RouteTable(routeConfig([host('any', ['*']), host('suffix', ['*.com']), host('longer', ['*.b.com']), host('exact', ['a.b.com']), host('prefix', ['a.*'])]));
    const pick = (authority: string): string | undefined => table.match(request(authority), Math.random)?.cluster?.config.name;
    expect(['A.b.com', 'x.b.com', 'x.com', 'a.org:80', 'other'].map(pick)).toEqual(['exact', 'longer', 'suffix', 'prefix', 'any']);
  });

  it('matches patterns wholly, headers and query parameters', () => {
    const base = route(routeAction('hit'));
    const match = { ...base.match, path: { kind: 'regex' as const, regex: '/v[0-9]+/.*' }, headers: [{ name: 'end-user', match: { kind: 'exact' as const, value: 'jason', ignoreCase: false }, invert: false, treatMissingAsEmpty: false }], queryParameters: [{ name: 'q', match: { kind: 'present' as const } }] };
    const table = new RouteTable(routeConfig([virtualHost([{ ...base, match }, route(routeAction('rest'))])]));
    const pick = (path: string, user: string): string | undefined => table.match(request('a', path, ['end-user', user]), Math.random)?.cluster?.config.name;
    expect([pick('/v1/x?q', 'jason'), pick('/v1/x', 'jason'), pick('/v1/x?q', 'ann'), pick('/xv1/x?q', 'jason')]).toEqual(['hit', 'rest', 'rest', 'rest']);
  });
});

describe('rewrites', () => {
  it('replace prefixes and patterns, and keep the query', () => {
    const { match } = route(routeAction('a'), { prefix: '/api' });
    expect(compileRewrite({ kind: 'prefix', value: '/v2' }, match)('/api/x?y=1')).toBe('/v2/x?y=1');
    expect(compileRewrite({ kind: 'regex', regex: '^/api/([^/]+)/(.*)$', substitution: '/\\2/$/\\1' }, match)('/api/a/b?z')).toBe('/b/$/a?z');
    const redirect = compileRedirect({ kind: 'redirect', status: 301, scheme: 'https', host: null, port: null, path: { kind: 'prefix', value: '/new' }, stripQuery: false }, match);
    expect(redirect(request('shop:80', '/api/x?y'))).toBe('https://shop/new/x?y');
  });

  it('change headers with operators, most specific first', () => {
    const add = (name: string, value: string, action: 'append' | 'overwrite') => ({ name, value, action, keepEmptyValue: false });
    const table = new RouteTable(routeConfig([virtualHost([route(routeAction('a'), { headerMutations: { ...NO_MUTATIONS, requestAdd: [add('x-who', '%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% %REQ(x-in)% 100%%', 'overwrite')], requestRemove: ['x-gone'] } })], { headerMutations: { ...NO_MUTATIONS, requestAdd: [add('x-who', 'host', 'append')] } })]));
    const headers = request('a', '/', ['x-in', 'here', 'x-gone', '1']);
    const selected = table.match(headers, Math.random);
    mutateRequest(selected?.route.mutations ?? [], headers, createStreamInfo(CONNECTION, 'HTTP/1.1', 0));
    expect(headers.getAll('x-who')).toEqual(['10.0.0.1 here 100%', 'host']);
    expect(headers.has('x-gone')).toBe(false);
  });
});
