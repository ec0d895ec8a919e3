// What a route may not write into messages, through the validation of a whole VirtualService.
import { describe, expect, it } from 'vitest';
import { ISTIO_KINDS } from '../istio-kinds.ts';

const kind = ISTIO_KINDS.find((row) => row.kind === 'VirtualService');

function errors(route: object): string[] {
  const object = { apiVersion: 'networking.istio.io/v1', kind: 'VirtualService', metadata: { name: 'a', namespace: 'b' }, spec: { hosts: ['a'], http: [route] } };
  const parsed = kind?.schema.parse(object);
  return (kind?.validate(parsed as never) ?? []).filter((issue) => issue.level === 'error').map((issue) => issue.path ?? '');
}

const to = [{ destination: { host: 'a' } }];

describe('text that becomes part of a message', () => {
  it.each([
    ['spec.http[0].rewrite.uri', { route: to, rewrite: { uri: '/x HTTP/1.1\r\nHost: y\r\n\r\n' } }],
    ['spec.http[0].rewrite.authority', { route: to, rewrite: { authority: 'h\r\nx-forwarded-client-cert: forged' } }],
    ['spec.http[0].redirect.uri', { redirect: { uri: '/a\nb' } }],
    ['spec.http[0].redirect.authority', { redirect: { authority: 'a b' } }],
    ['spec.http[0].headers.response', { route: to, headers: { response: { set: { 'Content-Length': '3' } } } }],
    ['spec.http[0].headers.request', { route: to, headers: { request: { add: { 'transfer-encoding': 'chunked' } } } }],
    ['spec.http[0].headers.request.x', { route: to, headers: { request: { set: { x: 'a\r\nb: c' } } } }],
  ])('is refused at %s', (path, route) => {
    expect(errors(route)).toContain(path);
  });

  it.each([
    [{ route: to, rewrite: { uri: '/a%20b', authority: 'ratings.prod.svc:9080' } }],
    [{ route: to, rewrite: { uriRegexRewrite: { match: '/a/(.*)', rewrite: '/b/\\1' } } }],
    [{ redirect: { uri: '/v1/bookRatings', authority: 'newratings.default.svc.cluster.local' } }],
    [{ route: to, headers: { request: { set: { 'x-request-start': 't=%START_TIME(%s.%3f)%' }, remove: ['cookie'] } } }],
  ])('is taken as usual: %j', (route) => {
    expect(errors(route)).toEqual([]);
  });
});
