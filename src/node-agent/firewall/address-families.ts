// Which address families a network namespace speaks. Rules for a family that the kernel or the pod lacks would only be a way to fail.
import type { AddressFamily } from '../capture/index.ts';
import type { RunProgram } from './run-program.ts';

/** IPv4 always; IPv6 when an interface has an address that others can reach, or when `dualStack` asks. */
export async function addressFamilies(run: RunProgram, dualStack = false): Promise<AddressFamily[]> {
  if (dualStack) return ['IPv4', 'IPv6'];
  // One line an address: index, interface, `inet6`, address, ...
  const addresses = await run('ip', ['-6', '-oneline', 'address', 'show', 'scope', 'global']);
  const reachable = addresses.split('\n').some((line) => line.includes(' inet6 ') && line.trim().split(/\s+/)[1] !== 'lo');
  return reachable ? ['IPv4', 'IPv6'] : ['IPv4'];
}
