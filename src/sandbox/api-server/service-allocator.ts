// Hands out cluster addresses and node ports to Services. What is in use is read from the Services themselves.
import { invalidField } from '../schema/index.ts';
import type { KubeObject, Store } from '../store/index.ts';
import { needsHealthPort } from './kinds/service-rules.ts';
import { invalidObject } from './status.ts';

/** The ranges to allocate from. */
export interface ServiceRanges {
  readonly serviceNetwork: { readonly first: string; readonly last: string };
  readonly nodePortRange: { readonly first: number; readonly last: number };
  /** ClusterIP of the Service `kubernetes`, which may lie outside the network. */
  readonly kubernetesAddress?: string;
}

interface Port { nodePort?: number; protocol?: string }

const SERVICES = { group: '', plural: 'services', kind: 'Service' };

/** Completes Services just before they are written, in the same turn, so that nothing is given out twice. */
export class ServiceAllocator {
  readonly #store: Store;
  readonly #first: number;
  readonly #last: number;
  readonly #ports: ServiceRanges['nodePortRange'];
  readonly #kubernetesAddress: string | undefined;
  #nextAddress: number;
  #nextPort: number;

  constructor(store: Store, ranges: ServiceRanges) {
    this.#store = store;
    this.#first = toNumber(ranges.serviceNetwork.first);
    this.#last = toNumber(ranges.serviceNetwork.last);
    this.#ports = ranges.nodePortRange;
    this.#kubernetesAddress = ranges.kubernetesAddress;
    this.#nextAddress = this.#first;
    this.#nextPort = ranges.nodePortRange.first;
  }

  /** Fills in clusterIP, clusterIPs and node ports; throws the Status error when the wanted ones are taken. */
  complete(service: KubeObject, dryRun: boolean): void {
    const { spec } = service;
    if (spec.type === 'ExternalName') {
      delete spec.clusterIP;
      delete spec.clusterIPs;
      return;
    }
    this.#completeAddress(service);
    spec.clusterIPs = [spec.clusterIP];
    if (spec.type !== 'NodePort' && spec.type !== 'LoadBalancer') return;
    const used = new Set(this.#others(service).flatMap((other) => [other.spec.healthCheckNodePort as number | undefined, ...((other.spec.ports ?? []) as Port[]).map((port) => port.nodePort)]));
    this.#completePorts(service, used, dryRun);
    if (needsHealthPort(spec)) spec.healthCheckNodePort ??= this.#freePort(used);
  }

  #others(service: KubeObject): KubeObject[] {
    return this.#store.list('/services').filter((other) => other.metadata.uid !== service.metadata.uid);
  }

  #completeAddress(service: KubeObject): void {
    const { spec, metadata } = service;
    if (spec.clusterIP === 'None') return;
    const used = new Set(this.#others(service).map((other) => other.spec.clusterIP as string));
    if (!spec.clusterIP) spec.clusterIP = this.#freeAddress(used);
    else if (used.has(spec.clusterIP)) throw invalidObject(SERVICES, metadata.name, [invalidField('spec.clusterIPs', [spec.clusterIP], 'failed to allocate IP '.concat(spec.clusterIP, ': provided IP is already allocated'))]);
    else if (!this.#inRange(spec.clusterIP)) throw invalidObject(SERVICES, metadata.name, [invalidField('spec.clusterIPs', [spec.clusterIP], `failed to allocate IP ${String(spec.clusterIP)}: the provided IP (${String(spec.clusterIP)}) is not in the valid range. The range of valid IPs is ${toText(this.#first)}-${toText(this.#last)}`)]);
  }

  #inRange(address: string): boolean {
    const value = toNumber(address);
    return address === this.#kubernetesAddress || (value >= this.#first && value <= this.#last);
  }

  #freeAddress(used: ReadonlySet<string>): string {
    for (let tried = this.#first; tried <= this.#last; tried += 1) {
      const candidate = toText(this.#nextAddress);
      this.#nextAddress = this.#nextAddress >= this.#last ? this.#first : this.#nextAddress + 1;
      // Addresses that end in 0 or 255 look like networks to some programs.
      if (!used.has(candidate) && !/\.(0|255)$/.test(candidate)) return candidate;
    }
    throw invalidObject(SERVICES, '', [invalidField('spec.clusterIPs', [], 'range is full')]);
  }

  /** A rehearsal takes nothing, so it does not see whether a port could be had. */
  #completePorts(service: KubeObject, used: Set<number | undefined>, dryRun: boolean): void {
    const { first, last } = this.#ports;
    for (const [index, port] of ((service.spec.ports ?? []) as Port[]).entries()) {
      if (service.spec.type === 'LoadBalancer' && service.spec.allocateLoadBalancerNodePorts === false && !port.nodePort) continue;
      const fail = (detail: string): Error => invalidObject(SERVICES, service.metadata.name, [invalidField(`spec.ports[${String(index)}].nodePort`, port.nodePort ?? 0, detail)]);
      if (!port.nodePort) port.nodePort = this.#freePort(used);
      else if (dryRun) continue;
      else if (used.has(port.nodePort)) throw fail('provided port is already allocated');
      else if (port.nodePort < first || port.nodePort > last) throw fail(`provided port is not in the valid range. The range of valid ports is ${String(first)}-${String(last)}`);
      used.add(port.nodePort);
    }
  }

  #freePort(used: ReadonlySet<number | undefined>): number {
    const { first, last } = this.#ports;
    for (let tried = first; tried <= last; tried += 1) {
      const candidate = this.#nextPort;
      this.#nextPort = candidate >= last ? first : candidate + 1;
      if (!used.has(candidate)) return candidate;
    }
    throw invalidObject(SERVICES, '', [invalidField('spec.ports', [], 'failed to allocate a nodePort: range is full')]);
  }
}

function toNumber(address: string): number {
  return address.split('.').reduce((value, part) => value * 256 + Number(part), 0);
}

function toText(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
}
