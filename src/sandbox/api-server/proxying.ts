// The proxy subresources of pods and services: the server fetches from the pod what a client may not reach by itself. Names are
// `[scheme:]name[:port]`; what follows `/proxy` is the path at the pod.
import { request as httpRequest, type IncomingMessage, type OutgoingHttpHeaders, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Duplex } from 'node:stream';
import type { KubeObject, Store } from '../store/index.ts';
import type { Exchange } from './exchange.ts';
import { ApiStatusError } from './internal-client.ts';
import type { RequestInfo, ResourceRequest } from './request-info.ts';
import { badRequest, notFound } from './status.ts';
import { reachProblem } from './webhook-caller.ts';

interface Place { readonly scheme: 'http' | 'https'; readonly host: string; readonly port: number }
interface Named { readonly scheme: 'http' | 'https'; readonly name: string; readonly port: string }
interface Port { readonly name?: string; readonly port?: number }
interface Endpoint { readonly addresses: readonly string[]; readonly conditions?: { readonly ready?: boolean } }

/** Headers that are about one connection only, and the client's own credentials, which are none of the pod's business. */
const NOT_PASSED_ON = ['connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'authorization', 'impersonate-user', 'impersonate-group', 'impersonate-uid'];

/** Whether a request is one for this. */
export function isProxied(request: ResourceRequest | undefined): request is ResourceRequest {
  return request !== undefined && request.group === '' && request.subresource === 'proxy' && (request.plural === 'pods' || request.plural === 'services');
}

/** Passes requests on to pods. */
export class ProxyHandler {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Answers with what the pod answers. */
  async handle(exchange: Exchange, resource: ResourceRequest): Promise<void> {
    const { request, response, info } = exchange;
    const [prefix, path] = splitPath(info);
    if (path === '' && (request.method === 'GET' || request.method === 'HEAD')) {
      // Relative links of the page would otherwise leave the subresource.
      response.writeHead(301, { location: `${prefix}/${queryOf(request)}` });
      response.end();
      return;
    }
    const place = this.#place(resource);
    await new Promise<void>((resolve, reject) => {
      const outgoing = send(place, { method: request.method ?? 'GET', path: `${path === '' ? '/' : path}${queryOf(request)}`, headers: passedOn(request, place, prefix) }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answerHeaders(answer, prefix));
        answer.pipe(response);
        answer.on('error', () => { response.destroy(); });
        answer.on('close', () => { resolve(); });
      });
      outgoing.on('error', (error) => { reject(unreachable(error)); });
      response.on('close', () => { outgoing.destroy(); });
      request.pipe(outgoing);
    });
  }

  /** Joins a connection that is being upgraded, a WebSocket for example, with one to the pod. */
  async upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, info: RequestInfo): Promise<void> {
    const place = this.#place(info.resource as ResourceRequest);
    const [prefix, path] = splitPath(info);
    const headers = { ...passedOn(request, place, prefix), connection: 'upgrade', upgrade: request.headers.upgrade ?? '' };
    await new Promise<void>((resolve, reject) => {
      const outgoing = send(place, { method: 'GET', path: `${path === '' ? '/' : path}${queryOf(request)}`, headers }, (answer) => {
        socket.write(headText(answer));
        answer.pipe(socket);
        resolve();
      });
      outgoing.on('upgrade', (answer, upstream, first) => {
        socket.write(headText(answer));
        if (first.length > 0) socket.write(first);
        if (head.length > 0) upstream.write(head);
        upstream.on('error', () => { socket.destroy(); }).on('close', () => { socket.destroy(); });
        socket.on('close', () => { upstream.destroy(); });
        upstream.pipe(socket).pipe(upstream);
        resolve();
      });
      outgoing.on('error', (error) => { reject(unreachable(error)); });
      outgoing.end();
    });
  }

  #place({ plural, namespace, name }: ResourceRequest): Place {
    const named = parseName(name);
    return plural === 'pods' ? this.#podPlace(namespace, named) : this.#servicePlace(namespace, named);
  }

  #podPlace(namespace: string | undefined, { scheme, name, port }: Named): Place {
    const pod = this.#store.get('/pods', namespace, name);
    if (!pod) throw notFound({ group: '', plural: 'pods', kind: 'Pod' }, name);
    const host = String(pod.status?.podIP ?? '');
    if (host === '') throw badRequest('address not allowed');
    return { scheme, host, port: podPort(pod, port) ?? (scheme === 'https' ? 443 : 80) };
  }

  #servicePlace(namespace: string | undefined, { scheme, name, port }: Named): Place {
    const service = this.#store.get('/services', namespace, name);
    if (!service) throw notFound({ group: '', plural: 'services', kind: 'Service' }, name);
    const unavailable = (words: string): ApiStatusError => new ApiStatusError(503, 'ServiceUnavailable', words);
    const ports = (service.spec.ports ?? []) as Port[];
    const numbered = /^\d+$/.test(port) ? ports.find((candidate) => candidate.port === Number(port)) : undefined;
    if (/^\d+$/.test(port) && !numbered) throw unavailable(`no service port ${port} found for service "${name}"`);
    const portName = numbered ? numbered.name ?? '' : port === '' && ports.length === 1 ? ports[0]?.name ?? '' : port;
    const places = this.#store.list('discovery.k8s.io/endpointslices', namespace).filter((slice) => slice.metadata.labels?.['kubernetes.io/service-name'] === name).flatMap((slice) => {
      const target = ((slice['ports'] ?? []) as Port[]).find((candidate) => (candidate.name ?? '') === portName)?.port;
      return target === undefined ? [] : ((slice['endpoints'] ?? []) as Endpoint[]).filter(({ conditions }) => conditions?.ready !== false).flatMap(({ addresses }) => addresses.map((host) => ({ scheme, host, port: target })));
    });
    const chosen = places[Math.floor(Math.random() * places.length)];
    if (!chosen) throw unavailable(`no endpoints available for service "${name}"`);
    return chosen;
  }
}

/** `[scheme:]name[:port]`. */
function parseName(text: string): Named {
  const [first = '', second = '', third = '', ...rest] = text.split(':');
  const isScheme = /^(http|https|)$/.test(first) && text.includes(':');
  if (rest.length > 0 || (third !== '' && !isScheme)) throw badRequest(`invalid service request ${JSON.stringify(text)}`);
  if (isScheme) return { scheme: first === 'https' ? 'https' : 'http', name: second, port: third };
  return { scheme: 'http', name: first, port: second };
}

/** The port that is named or numbered, otherwise the first that the containers declare. */
function podPort(pod: KubeObject, port: string): number | undefined {
  if (/^\d+$/.test(port)) return Number(port);
  const declared = ((pod.spec?.containers ?? []) as { ports?: { name?: string; containerPort: number }[] }[]).flatMap(({ ports }) => ports ?? []);
  if (port === '') return declared[0]?.containerPort;
  const found = declared.find(({ name }) => name === port);
  if (!found) throw badRequest(`address not allowed: the pod has no port ${JSON.stringify(port)}`);
  return found.containerPort;
}

/** The path up to `/proxy`, and what comes after it as the client has written it. */
function splitPath({ path }: RequestInfo): [string, string] {
  const [whole = '', rest = ''] = /^\/api\/v1\/(?:proxy\/)?namespaces\/[^/]+\/(?:pods|services)\/[^/]+\/proxy(\/.*)?$/.exec(path) ?? [path, ''];
  return [whole.slice(0, whole.length - rest.length), rest];
}

function queryOf({ url = '' }: IncomingMessage): string {
  const at = url.indexOf('?');
  return at < 0 ? '' : url.slice(at);
}

function send({ scheme, host, port }: Place, options: RequestOptions, answered: (answer: IncomingMessage) => void): ReturnType<typeof httpRequest> {
  // The certificate of a pod is for nobody's name: it is not checked, as the real server does not either.
  return scheme === 'https' ? httpsRequest({ ...options, host, port, agent: false, rejectUnauthorized: false }, answered) : httpRequest({ ...options, host, port, agent: false }, answered);
}

function passedOn(request: IncomingMessage, { host, port }: Place, prefix: string): OutgoingHttpHeaders {
  const kept = Object.entries(request.headers).filter(([name]) => !NOT_PASSED_ON.includes(name) && !name.startsWith('impersonate-extra-'));
  const client = request.socket.remoteAddress ?? '';
  const before = request.headers['x-forwarded-for'];
  return { ...Object.fromEntries(kept), host: `${host}:${String(port)}`, 'x-forwarded-for': before === undefined ? client : `${String(before)}, ${client}`, 'x-forwarded-host': request.headers.host ?? '', 'x-forwarded-proto': 'https', 'x-forwarded-uri': prefix };
}

/** A redirection within the pod's server stays within the subresource. */
function answerHeaders({ headers }: IncomingMessage, prefix: string): OutgoingHttpHeaders {
  const kept = Object.fromEntries(Object.entries(headers).filter(([name]) => name !== 'connection' && name !== 'keep-alive' && name !== 'transfer-encoding'));
  return headers.location?.startsWith('/') === true ? { ...kept, location: `${prefix}${headers.location}` } : kept;
}

function headText({ statusCode = 502, statusMessage = '', rawHeaders }: IncomingMessage): string {
  const lines = rawHeaders.flatMap((name, index) => (index % 2 === 0 ? [`${name}: ${rawHeaders[index + 1] ?? ''}`] : []));
  return `HTTP/1.1 ${String(statusCode)} ${statusMessage}\r\n${lines.join('\r\n')}\r\n\r\n`;
}

function unreachable(error: Error): ApiStatusError {
  return new ApiStatusError(503, 'ServiceUnavailable', `error trying to reach service: ${reachProblem(error)}`);
}
