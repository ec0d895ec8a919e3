// What the containers of one pod share.
import { closeSync, existsSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import type { StoredObject } from '../api-server/internal-client.ts';
import { API_SERVER_PORT, DNS_PORT, dnsAddress, nodeAddress, podLoopback } from '../network/index.ts';
import { containerEnvironment, expand } from './environment.ts';
import { resolveExecutable, type ImageProgram } from './image-table.ts';
import { CONFIG_MAPS, SECRETS, SERVICES, type NodeServices } from './node-services.ts';
import type { PodVolumes } from './pod-volumes.ts';
import type { ProcessSpec } from './process-group.ts';
import { serviceLinks } from './service-links.ts';
import type { VolumeSources } from './volume-sources.ts';

type Spec = StoredObject['spec'];

const SIDECAR_STATUS = 'sidecar.istio.io/status';
const SIDECAR = 'istio-proxy';

/** One pod on the node: its object, addresses and directory. */
export class PodContext {
  readonly services: NodeServices;
  readonly podIp: string;
  readonly directory: string;
  pod: StoredObject;
  volumes: PodVolumes | undefined;

  constructor(services: NodeServices, pod: StoredObject, podIp: string, directory: string) {
    this.services = services;
    this.pod = pod;
    this.podIp = podIp;
    this.directory = directory;
  }

  /** What volumes and variables are made from. */
  sources(): VolumeSources {
    const { client, slot, requestToken } = this.services;
    const { namespace = '', name, uid } = this.pod.metadata;
    return {
      pod: this.pod, podIp: this.podIp, hostIp: nodeAddress(slot),
      configMap: (configMap) => client.table(CONFIG_MAPS).get(namespace, configMap),
      secret: (secret) => client.table(SECRETS).get(namespace, secret),
      token: (audience, expirationSeconds) => requestToken(namespace, this.pod.spec.serviceAccountName ?? 'default', { audience, expirationSeconds, pod: { name, uid } }),
    };
  }

  /** What to start for a container, without its output. */
  processSpec(container: Spec, image: ImageProgram, terminationLog: string): Omit<ProcessSpec, 'stdio'> {
    const environment = containerEnvironment(container, this.sources(), { ...this.#serviceLinks(), ...this.#baseEnvironment(), ...image.env });
    const mounts = this.#mounts(container, environment, terminationLog);
    const viewed = this.#view(container, image, environment, mounts);
    const entry: string[] = container.command ?? image.command;
    // Kubernetes: `command` replaces the entry point together with the image's own arguments.
    const words = [...entry, ...(container.args ?? [])].map((word) => expand(String(word), environment));
    return { command: hostCommand(resolveExecutable(image, words), mounts), environment: viewed, workingDirectory: this.#workingDirectory(container, image, mounts) };
  }

  /** What to start for a further command in a container. */
  execSpec(container: Spec, image: ImageProgram, terminationLog: string, command: readonly string[]): Omit<ProcessSpec, 'stdio'> {
    const spec = this.processSpec(container, image, terminationLog);
    return { ...spec, command: hostCommand(resolveExecutable(image, command), this.#mounts(container, spec.environment, terminationLog)) };
  }

  #baseEnvironment(): Record<string, string> {
    const address = nodeAddress(this.services.slot);
    return {
      PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? '/usr/bin:/bin'}`,
      HOSTNAME: this.#hostname(), HOME: '/tmp',
      KUBERNETES_SERVICE_HOST: address, KUBERNETES_SERVICE_PORT: String(API_SERVER_PORT), KUBERNETES_SERVICE_PORT_HTTPS: String(API_SERVER_PORT),
      KUBERNETES_PORT: `tcp://${address}:${API_SERVER_PORT}`,
    };
  }

  #serviceLinks(): Record<string, string> {
    const { client } = this.services;
    return this.pod.spec.enableServiceLinks === false ? {} : serviceLinks(client.table(SERVICES).list(this.pod.metadata.namespace));
  }

  #hostname(): string {
    return (this.pod.spec.hostname ?? this.pod.metadata.name).slice(0, 63);
  }

  #mounts(container: Spec, environment: Readonly<Record<string, string>>, terminationLog: string): [string, string][] {
    const mounts = this.volumes?.mounts(container, environment) ?? [];
    mounts.push([container.terminationMessagePath ?? '/dev/termination-log', terminationLog]);
    return mounts.sort(([a], [b]) => b.length - a.length);
  }

  #view(container: Spec, image: ImageProgram, environment: Record<string, string>, mounts: readonly (readonly [string, string])[]): Record<string, string> {
    const { slot, viewOption } = this.services;
    const namespace = this.pod.metadata.namespace ?? '';
    const loopback = podLoopback(this.podIp);
    const captured = this.pod.metadata.annotations?.[SIDECAR_STATUS] !== undefined;
    const takesInbound = captured && container.name === SIDECAR;
    const aliases = (this.pod.spec.hostAliases ?? []).flatMap((alias: Spec) => (alias.hostnames ?? []).map((name: string) => [name, alias.ip]));
    const view = {
      podIp: this.podIp, loopback, wildcard: captured && !takesInbound ? loopback : this.podIp, takesInbound, hostname: this.#hostname(),
      nameServer: `${dnsAddress(slot)}:${DNS_PORT}`,
      search: [`${namespace}.svc.cluster.local`, 'svc.cluster.local', 'cluster.local', ...(this.pod.spec.dnsConfig?.searches ?? [])],
      hosts: { [this.#hostname()]: this.podIp, ...Object.fromEntries(aliases) },
      prefix: `127.${slot}.`, loopbackPrefix: `${loopback.split('.', 2).join('.')}.`, apiServer: { address: nodeAddress(slot), port: API_SERVER_PORT }, mounts,
      kept: [this.services.directory, ...programFolders(image)],
    };
    const own = environment['NODE_OPTIONS'];
    return { ...environment, NODE_OPTIONS: own === undefined ? viewOption : `${viewOption} ${own}`, MIZZEN_CONTAINER_VIEW: JSON.stringify(view) };
  }

  #workingDirectory(container: Spec, image: ImageProgram, mounts: readonly (readonly [string, string])[]): string {
    const wanted = container.workingDir === undefined ? image.workingDirectory : mapWord(container.workingDir, mounts);
    if (wanted !== undefined && existsSync(wanted)) return wanted;
    mkdirSync(this.directory, { recursive: true });
    return this.directory;
  }
}

// The folder above the one of the program's file: `dist/operator.js` reads its templates from beside `dist`.
function programFolders(image: ImageProgram): string[] {
  return image.command.filter((word) => word.startsWith('/')).map((word) => dirname(dirname(word))).filter((folder) => folder !== '/');
}

/** Makes an empty file, for what a container says when it ends. */
export function emptyFile(path: string): string {
  mkdirSync(dirname(path), { recursive: true });
  closeSync(openSync(path, 'w'));
  return path;
}

// A program that is not Node has no container view: the mount paths in its arguments are given as those of the host.
function hostCommand(words: readonly string[], mounts: readonly (readonly [string, string])[]): string[] {
  const [program = '', ...rest] = words;
  if (/(^|\/)node$/.test(program)) return [process.execPath, ...rest];
  return [mapWord(program, mounts), ...rest.map((word) => mapWord(word, mounts))];
}

function mapWord(word: string, mounts: readonly (readonly [string, string])[]): string {
  let mapped = '';
  for (let index = 0; index < word.length;) {
    const before = word[index - 1];
    const mount = word[index] === '/' && (before === undefined || !/[\w./-]/.test(before))
      ? mounts.find(([inside]) => word.startsWith(inside, index) && !/[\w.-]/.test(word[index + inside.length] ?? ' ')) : undefined;
    mapped += mount ? mount[1] : word[index];
    index += mount ? mount[0].length : 1;
  }
  return mapped;
}

