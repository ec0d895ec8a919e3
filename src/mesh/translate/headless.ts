// Headless services: who dials the address of one of their pods under capture means that pod, so listeners, names and mutual TLS are made of their endpoints.
import { serviceKey, type EndpointRecord, type EndpointSet, type ServiceRecord } from '../model/records.ts';
import { isReachable } from './endpoints.ts';
import type { ProxyView } from './proxy-view.ts';

/** The endpoints of all visible headless services, by identity: part of the key of whatever is made of them. */
export function headlessEndpoints(view: ProxyView): (EndpointSet | undefined)[] {
  return view.services.filter(({ headless }) => headless).map((service) => view.snapshot.endpoints.get(serviceKey(service)));
}

/** Addresses of a headless service's pods that the proxy can dial. */
export function podAddresses(view: ProxyView, service: ServiceRecord): string[] {
  const endpoints = view.snapshot.endpoints.get(serviceKey(service))?.endpoints ?? [];
  return [...new Set(endpoints.map(({ address }) => address))].filter((address) => isReachable(address, view.families));
}

/** Whether every endpoint takes mutual TLS on the port: a connection to a dialled address cannot be told apart by endpoint. */
export function takesMutualTls(endpoints: readonly EndpointRecord[], port: number): boolean {
  return endpoints.length > 0 && endpoints.every(({ tlsMode, plaintextPorts, ports }) => tlsMode === 'istio' && !plaintextPorts.includes(ports[port] ?? port));
}
