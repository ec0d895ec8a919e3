// The event log of health checks: a JSON line for each change, in the form of Envoy's HealthCheckEvent.
import { createWriteStream, type WriteStream } from 'node:fs';
import type { Host } from '../host.ts';

/** Writes to one file, at its end. */
export class HealthEventLog {
  readonly #stream: WriteStream;
  readonly #cluster: string;

  constructor(path: string, cluster: string) {
    this.#cluster = cluster;
    this.#stream = createWriteStream(path, { flags: 'a' });
    // A log that cannot be written must not stop traffic.
    this.#stream.on('error', () => undefined);
  }

  write(host: Host, type: string, event: Readonly<Record<string, object>>): void {
    const { address } = host;
    const socket = address.kind === 'socket' ? { protocol: 'TCP', address: address.address, port_value: address.port } : {};
    this.#stream.write(`${JSON.stringify({ health_checker_type: type, host: { socket_address: socket }, cluster_name: this.#cluster, ...event, timestamp: new Date().toISOString() })}\n`);
  }

  close(): void {
    this.#stream.end();
  }
}
