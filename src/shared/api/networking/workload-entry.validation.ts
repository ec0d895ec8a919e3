// The webhook's semantic checks of WorkloadEntry: what a schema can not say.
import type { Issue } from '../../lib/index.ts';
import { checkHost, checkPort, Findings, isAddress } from './validation-rules.ts';
import type { WorkloadEntry } from './workload-entry.ts';

/** What is wrong with `object`; an error keeps it out. */
export function validateWorkloadEntry(object: WorkloadEntry): Issue[] {
  const findings = new Findings();
  const { address = '', network, ports, weight } = object.spec;
  if (address === '' && !network) findings.error('spec.address', 'The workload has no address. Give one, or the network that leads to it.');
  if (address !== '' && !isAddress(address) && !address.startsWith('unix://')) checkHost(address, 'spec.address', findings, { wildcard: false });
  for (const [name, port] of Object.entries(ports ?? {})) checkPort(port, `spec.ports.${name}`, findings);
  if (weight !== undefined && weight < 0) findings.error('spec.weight', 'The weight is negative. Use 0 or more.');
  return findings.issues;
}
