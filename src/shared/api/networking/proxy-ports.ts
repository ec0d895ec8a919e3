// Ports that a proxy's pod needs for itself, whatever is configured: its administration, the agent's interfaces and its DNS server. A Gateway cannot listen on them.

const OWN_PORTS: ReadonlyMap<number, string> = new Map([
  [15000, 'its administration'], [15004, 'debugging'], [15020, 'the metrics and probes of its agent'], [15021, 'its readiness'], [15053, 'its DNS server'], [15090, 'its metrics'],
]);

/** What a proxy uses a port for itself; undefined where the port is free for listeners. */
export function ownUseOfPort(port: number): string | undefined {
  return OWN_PORTS.get(port);
}
