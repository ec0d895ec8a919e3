// The pod's addresses, of both families where it has them, and what follows: what the agent's ports bind, how the application is reached, where DNS is answered.

/** How the agent reaches the application, for probes. */
export interface ApplicationAddress {
  readonly address: string;
  /** Source that the capture rules let through; empty where nothing is captured. */
  readonly source: string;
}

/** The pod's own address first, then the others that its interfaces have; only the first family where dual stack is switched off. */
export function instanceAddresses(podIp: string, interfaces: readonly string[], dualStack: boolean): readonly string[] {
  // In a sandbox the interfaces are the machine's, not the pod's.
  if (podIp === '' || !interfaces.includes(podIp)) return [podIp];
  const usable = interfaces.filter((address) => address !== podIp && !isLocal(address) && (dualStack || address.includes(':') === podIp.includes(':')));
  return [podIp, ...new Set(usable)];
}

function isLocal(address: string): boolean {
  return address.startsWith('127.') || address === '::1' || address === '::6' || address.startsWith('169.254.') || /^fe[89ab]/i.test(address);
}

/** What listens on all of the pod's addresses. */
export function wildcardFor(addresses: readonly string[]): string {
  return addresses.some((address) => address.includes(':')) ? '::' : '0.0.0.0';
}

/** Under capture the pod's address, from a source that is let through: that is where the application has to listen. Otherwise its loopback. */
export function applicationAddress(podIp: string, captured: boolean): ApplicationAddress {
  const six = podIp.includes(':');
  if (captured && podIp !== '') return { address: podIp, source: six ? '::6' : '127.0.0.6' };
  return { address: six ? '::1' : '127.0.0.1', source: '' };
}
