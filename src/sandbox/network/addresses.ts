// The addresses of one sandbox inside 127/8; docs/architecture/overview.md has the table.

/** The lowest and the highest slot number. */
export const SLOTS = { first: 10, last: 99 } as const;
/** Where the API server listens, on the node's address. */
export const API_SERVER_PORT = 6443;
/** Where the cluster DNS listens. */
export const DNS_PORT = 10053;
/** A ClusterIP port below 1024 is served at this much more, for a process without privilege may not bind it. */
export const LOW_PORT_SHIFT = 30_000;

/** The address of the node, of its API server, its NodePorts and its load balancers. */
export function nodeAddress(slot: number): string {
  return `127.${slot}.0.1`;
}

/** The address of the cluster DNS. */
export function dnsAddress(slot: number): string {
  return `127.${slot}.0.10`;
}

/** The loopback address that only the containers of the pod with this IP use. */
export function podLoopback(podIp: string): string {
  const [, second = '0', ...rest] = podIp.split('.');
  return ['127', String(Number(second) + 100), ...rest].join('.');
}

/** Whether an address is a pod IP of this slot. */
export function isPodAddress(slot: number, address: string): boolean {
  const [first, second, third, ...rest] = address.split('.').map(Number);
  return first === 127 && second === slot && third !== undefined && third >= 1 && third <= 127 && rest.length === 1;
}

/** Hands out pod IPs of a slot; a freed one comes back as late as possible, so that stale connections find nobody. */
export class PodAddresses {
  readonly #slot: number;
  readonly #used = new Set<string>();
  #next = 0;

  constructor(slot: number) {
    this.#slot = slot;
  }

  allocate(): string {
    for (let tries = 0; tries < 127 * 254; tries += 1) {
      const number = this.#next % (127 * 254);
      this.#next += 1;
      const address = `127.${this.#slot}.${1 + Math.floor(number / 254)}.${1 + (number % 254)}`;
      if (!this.#used.has(address)) {
        this.#used.add(address);
        return address;
      }
    }
    throw new Error('SANDBOX_NO_POD_ADDRESS: every pod address of this sandbox is in use; delete pods first.');
  }

  free(address: string): void {
    this.#used.delete(address);
  }
}
