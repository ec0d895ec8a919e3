// A service that answers with what it was asked, in the manner of the well-known httpbin: for looking at what a mesh does to requests.
import { randomBytes, randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { callService, podName, serve, type AppRequest, type AppResponse } from '../../app-server.ts';

const port = Number(process.argv[2] ?? process.env.SERVICE_PORT ?? 8080);
const version = process.env.SERVICE_VERSION ?? 'v1';
const MAXIMUM_DELAY_SECONDS = 60;
const MAXIMUM_BYTES = 10 * 1024 * 1024;
const attempts = new Map<string, number>();
let seen = 0;
let active = 0;

/** Header names as a person writes them, as httpbin shows them. */
function shownHeaders({ headers }: AppRequest): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.replace(/(^|-)[a-z]/g, (part) => part.toUpperCase()), String(value)]));
}

function described(request: AppRequest): Record<string, unknown> {
  const { url, method, body, incoming } = request;
  const text = body.toString('utf8');
  let json: unknown = null;
  try {
    json = text === '' ? null : JSON.parse(text);
  } catch {
    json = null; // Not JSON; `data` shows the text.
  }
  return {
    method, url: `http://${request.headers.host ?? ''}${url.pathname}${url.search}`, args: Object.fromEntries(url.searchParams), headers: shownHeaders(request),
    data: text, json, origin: String(request.headers['x-forwarded-for'] ?? incoming.socket.remoteAddress ?? ''), pod: podName, version,
  };
}

/** Fails the first `fail` requests of each `key`, then succeeds: what retries are for. */
function flaky({ url }: AppRequest): AppResponse {
  const key = url.searchParams.get('key') ?? '';
  const count = (attempts.get(key) ?? 0) + 1;
  attempts.set(key, count);
  if (attempts.size > 10_000) attempts.clear();
  const failures = Number(url.searchParams.get('fail') ?? 1);
  const status = Number(url.searchParams.get('status') ?? 503);
  return count <= failures ? { status: status >= 400 && status <= 599 ? status : 503, body: { attempt: count, pod: podName } } : { body: { attempt: count, pod: podName } };
}

async function delay(request: AppRequest): Promise<AppResponse> {
  const seconds = Math.min(MAXIMUM_DELAY_SECONDS, Number(request.params[0] ?? 0));
  active += 1;
  await sleep(seconds * 1_000);
  active -= 1;
  return { body: described(request) };
}

async function stream(request: AppRequest, response: ServerResponse): Promise<undefined> {
  const lines = Math.min(1_000, Number(request.params[0] ?? 1));
  response.writeHead(200, { 'content-type': 'application/json' });
  for (let id = 0; id < lines; id += 1) {
    response.write(`${JSON.stringify({ id, pod: podName })}\n`);
    await sleep(Number(request.url.searchParams.get('interval') ?? 0));
  }
  response.end();
}

/** Calls another URL in the name of the request, with the client asked for: shows what the mesh does to outgoing calls. */
async function onward(request: AppRequest): Promise<AppResponse> {
  const target = request.url.searchParams.get('url') ?? '';
  if (!URL.canParse(target) || new URL(target).protocol !== 'http:') return { status: 400, body: { error: 'url must be an http URL' } };
  const client = request.url.searchParams.get('client') === 'fetch' ? 'fetch' : 'http';
  const answer = await callService(request, target, { timeoutMilliseconds: 15_000, client });
  return { body: { pod: podName, status: answer?.status ?? 0, body: answer?.body ?? '' } };
}

serve('httpbin', port, [
  { method: 'GET', path: /^\/$/, handler: () => ({ body: { service: 'httpbin', version, pod: podName, paths: ['/get', '/headers', '/ip', '/uuid', '/status/:code', '/delay/:seconds', '/stream/:lines', '/bytes/:count', '/anything', '/post', '/flaky?key=&fail=', '/onward?url=', '/count'] } }) },
  { method: 'GET', path: /^\/health$/, handler: () => ({ body: { status: 'healthy' } }) },
  { method: 'GET', path: /^\/get$/, handler: (request) => ({ body: described(request) }) },
  { method: 'POST', path: /^\/post$/, handler: (request) => ({ body: described(request) }) },
  { path: /^\/anything(?:\/.*)?$/, handler: (request) => { seen += 1; return { body: described(request) }; } },
  { method: 'GET', path: /^\/headers$/, handler: (request) => ({ body: { headers: shownHeaders(request), pod: podName, version } }) },
  { method: 'GET', path: /^\/ip$/, handler: ({ headers, incoming }) => ({ body: { origin: String(headers['x-forwarded-for'] ?? incoming.socket.remoteAddress ?? '') } }) },
  { method: 'GET', path: /^\/uuid$/, handler: () => ({ body: { uuid: randomUUID() } }) },
  { method: 'GET', path: /^\/user-agent$/, handler: ({ headers }) => ({ body: { 'user-agent': headers['user-agent'] ?? null } }) },
  { path: /^\/status\/([1-5]\d\d)$/, handler: ({ params }) => ({ status: Math.max(200, Number(params[0])), headers: { 'x-pod': podName }, body: '' }) },
  { path: /^\/delay\/(\d+(?:\.\d+)?)$/, handler: delay },
  { method: 'GET', path: /^\/stream\/(\d+)$/, handler: stream },
  { method: 'GET', path: /^\/bytes\/(\d+)$/, handler: ({ params }) => ({ headers: { 'content-type': 'application/octet-stream' }, body: randomBytes(Math.min(MAXIMUM_BYTES, Number(params[0]))) }) },
  { path: /^\/flaky$/, handler: flaky },
  { method: 'GET', path: /^\/onward$/, handler: onward },
  // How many requests /anything took in this pod: mirrored ones are seen only here.
  { method: 'GET', path: /^\/count$/, handler: () => ({ body: { pod: podName, version, seen, active } }) },
]);
