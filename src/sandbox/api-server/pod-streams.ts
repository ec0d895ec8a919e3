// Logs, exec, attach and port-forward of pods: finds the pod and container, then lets the node serve the bytes.
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { KubeObject, Store } from '../store/index.ts';
import type { Exchange } from './exchange.ts';
import { ApiStatusError, type PodStreams } from './internal-client.ts';
import { isTrue, type RequestInfo } from './request-info.ts';
import { serveExec, servePortForward } from './pod-websockets.ts';
import { badRequest, methodNotAllowed, notFound } from './status.ts';
import type { Target } from './target.ts';

const PODS = { group: '', plural: 'pods', kind: 'Pod' };

/** Serves the streaming subresources of pods. */
export class PodStreamHandler {
  readonly #store: Store;
  readonly #streams: PodStreams | undefined;

  constructor(store: Store, streams: PodStreams | undefined) {
    this.#store = store;
    this.#streams = streams;
  }

  /** Answers a plain HTTP request: logs, or the reason why the others need a WebSocket. */
  async handle(exchange: Exchange, target: Target, subresource: string): Promise<void> {
    const pod = this.#pod(target.namespace ?? '', target.name);
    if (subresource === 'log') await this.#logs(exchange, pod);
    else throw new ApiStatusError(400, 'BadRequest', `Upgrade request required: ${subresource} is served over WebSocket`);
  }

  /** Serves an upgraded connection that is authenticated and authorized; throws the Status error before it upgrades. */
  async upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, info: RequestInfo): Promise<void> {
    const { resource, query } = info;
    if (resource?.plural !== 'pods' || resource.group !== '') throw methodNotAllowed();
    const streams = this.#node();
    const pod = this.#pod(resource.namespace ?? '', resource.name);
    const place = { namespace: resource.namespace ?? '', pod: resource.name };
    if (resource.subresource === 'portforward') {
      await servePortForward(request, socket, head, { streams, ...place, ports: query.getAll('ports').flatMap((text) => text.split(',')).map(Number) });
      return;
    }
    if (resource.subresource === 'attach') throw badRequest('attach is not served by this sandbox; use kubectl logs -f to see what a container writes, or kubectl exec');
    if (resource.subresource !== 'exec') throw methodNotAllowed();
    const container = chooseContainer(pod, query.get('container'));
    const command = query.getAll('command');
    if (command.length === 0) throw badRequest('you must specify at least 1 command for the container');
    await serveExec(request, socket, head, { streams, ...place, container, command, stdin: isTrue(query.get('stdin')), tty: isTrue(query.get('tty')) });
  }

  #node(): PodStreams {
    if (!this.#streams) throw new ApiStatusError(503, 'ServiceUnavailable', 'no node of this cluster serves streams of pods');
    return this.#streams;
  }

  #pod(namespace: string, name: string): KubeObject {
    const pod = this.#store.get('/pods', namespace, name);
    if (!pod) throw notFound(PODS, name);
    return pod;
  }

  async #logs(exchange: Exchange, pod: KubeObject): Promise<void> {
    if (exchange.info.verb !== 'get') throw methodNotAllowed();
    const { query } = exchange.info;
    const container = chooseContainer(pod, query.get('container'));
    if (!pod.spec?.nodeName) throw badRequest(`pod ${pod.metadata.name} does not have a host assigned`);
    checkStarted(pod, container);
    const stop = new AbortController();
    exchange.response.on('close', () => { stop.abort(); });
    const lines = this.#node().logs(pod.metadata.namespace ?? '', pod.metadata.name, {
      container,
      follow: isTrue(query.get('follow')),
      previous: isTrue(query.get('previous')),
      timestamps: isTrue(query.get('timestamps')),
      ...numeric('tailLines', query),
      ...numeric('sinceSeconds', query),
      ...numeric('limitBytes', query),
    }, stop.signal);
    await pipe(exchange, lines, stop);
  }
}

async function pipe(exchange: Exchange, lines: AsyncIterable<Uint8Array>, stop: AbortController): Promise<void> {
  const { response } = exchange;
  const start = (): void => {
    if (response.headersSent) return;
    response.writeHead(200, { 'content-type': 'text/plain', 'cache-control': 'no-cache, private' });
    response.flushHeaders();
  };
  // A follower sees the answer start before the first line.
  if (isTrue(exchange.info.query.get('follow'))) setTimeout(() => { if (!stop.signal.aborted) start(); }, 100);
  for await (const chunk of lines) {
    if (stop.signal.aborted) return;
    start();
    if (!response.write(chunk)) await new Promise<void>((resolve) => { response.once('drain', resolve); response.once('close', resolve); });
  }
  start();
  response.end();
}

function numeric(name: string, query: URLSearchParams): object {
  const text = query.get(name);
  if (text === null) return {};
  if (!/^\d+$/.test(text)) throw badRequest(`${name}: Invalid value: ${JSON.stringify(text)}: must be a non-negative number`);
  return { [name]: Number(text) };
}

interface Named { readonly name: string }

function chooseContainer(pod: KubeObject, wanted: string | null): string {
  const containers = (pod.spec?.containers ?? []) as Named[];
  const initContainers = (pod.spec?.initContainers ?? []) as Named[];
  if (wanted) {
    if ([...containers, ...initContainers].some((container) => container.name === wanted)) return wanted;
    throw badRequest(`container ${wanted} is not valid for pod ${pod.metadata.name}`);
  }
  const annotated = pod.metadata.annotations?.['kubectl.kubernetes.io/default-container'];
  if (annotated !== undefined && containers.some((container) => container.name === annotated)) return annotated;
  const [first] = containers;
  if (containers.length === 1 && first) return first.name;
  const choices = `choose one of: [${containers.map((container) => container.name).join(' ')}]${initContainers.length > 0 ? ` or one of the init containers: [${initContainers.map((container) => container.name).join(' ')}]` : ''}`;
  throw badRequest(`a container name must be specified for pod ${pod.metadata.name}, ${choices}`);
}

interface Status { name: string; state?: { waiting?: { reason?: string } }; restartCount?: number; lastState?: { terminated?: object } }

function checkStarted(pod: KubeObject, container: string): void {
  const statuses = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])] as Status[];
  const status = statuses.find((candidate) => candidate.name === container);
  const waiting = status?.state?.waiting;
  if (waiting && !status.lastState?.terminated) throw badRequest(`container "${container}" in pod "${pod.metadata.name}" is waiting to start: ${waiting.reason ?? 'ContainerCreating'}`);
}
