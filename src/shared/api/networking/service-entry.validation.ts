// The webhook's semantic checks of ServiceEntry: what a schema can not say.
import type { Issue } from '../../lib/index.ts';
import type { ServiceEntry } from './service-entry.ts';
import { checkExportTo, checkHost, checkLabels, checkPort, Findings, isAddress, isAddressOrBlock } from './validation-rules.ts';

const PROTOCOLS = new Set(['HTTP', 'HTTPS', 'HTTP2', 'GRPC', 'GRPC-WEB', 'MONGO', 'TCP', 'TLS', 'REDIS', 'MYSQL', 'UDP', '']);

/** What is wrong with `object`; an error keeps it out. */
export function validateServiceEntry(object: ServiceEntry): Issue[] {
  const findings = new Findings();
  const { spec } = object;
  if (spec.hosts.length === 0) findings.error('spec.hosts', 'A service entry needs at least one host.');
  spec.hosts.forEach((host, index) => {
    if (host === '*') findings.error(`spec.hosts[${index}]`, 'The host * would take everything. Name a domain.');
    else checkHost(host, `spec.hosts[${index}]`, findings);
  });
  if (spec.workloadSelector && spec.endpoints?.length) findings.error('spec', 'Only one of workloadSelector and endpoints can be given.');
  checkLabels(spec.workloadSelector?.labels, 'spec.workloadSelector.labels', findings);
  checkAddresses(spec, findings);
  checkPorts(spec, findings);
  checkResolution(spec, findings);
  checkExportTo(spec.exportTo, object.metadata.namespace, findings);
  return findings.issues;
}

type Spec = ServiceEntry['spec'];

function checkAddresses(spec: Spec, findings: Findings): void {
  const blocks = ['NONE', 'STATIC'].includes(spec.resolution ?? 'NONE');
  spec.addresses?.forEach((address, index) => {
    if (!isAddressOrBlock(address)) findings.error(`spec.addresses[${index}]`, `${JSON.stringify(address)} is not an address or block.`);
    else if (address.includes('/') && !blocks) findings.error(`spec.addresses[${index}]`, 'Address blocks need resolution NONE or STATIC.');
  });
  const tcp = spec.ports?.some(({ protocol }) => ['TCP', ''].includes((protocol ?? '').toUpperCase())) ?? false;
  if (tcp && !spec.addresses?.length && spec.resolution !== 'DNS') findings.warning('spec.addresses', 'A TCP port without an address takes every connection to that port. Give addresses.');
}

function checkPorts(spec: Spec, findings: Findings): void {
  const names = new Set<string>();
  const numbers = new Set<number>();
  spec.ports?.forEach((port, index) => {
    const path = `spec.ports[${index}]`;
    checkPort(port.number, `${path}.number`, findings);
    if (port.targetPort !== undefined) checkPort(port.targetPort, `${path}.targetPort`, findings);
    if (port.name === '') findings.error(`${path}.name`, 'The port needs a name.');
    if (names.has(port.name)) findings.error(`${path}.name`, `The name ${port.name} is given twice. Rename one.`);
    if (numbers.has(port.number)) findings.error(`${path}.number`, `The port ${port.number} is given twice. Remove one.`);
    if (!PROTOCOLS.has((port.protocol ?? '').toUpperCase())) findings.error(`${path}.protocol`, `${JSON.stringify(port.protocol)} is not a protocol. Use HTTP, HTTPS, GRPC, HTTP2, TLS or TCP.`);
    names.add(port.name);
    numbers.add(port.number);
  });
}

function checkResolution(spec: Spec, findings: Findings): void {
  const { resolution = 'NONE', endpoints = [] } = spec;
  if (resolution === 'NONE' && endpoints.length > 0) findings.error('spec.endpoints', 'With resolution NONE there are no endpoints. Use STATIC or DNS.');
  if (resolution === 'STATIC' && endpoints.length === 0 && !spec.workloadSelector) findings.error('spec.endpoints', 'With resolution STATIC endpoints or a workloadSelector are needed.');
  if (resolution === 'DNS_ROUND_ROBIN' && endpoints.length > 1) findings.error('spec.endpoints', 'With resolution DNS_ROUND_ROBIN there can be one endpoint only.');
  if ((resolution === 'DNS' || resolution === 'DNS_ROUND_ROBIN') && endpoints.length === 0 && spec.hosts.some((host) => host.includes('*'))) findings.error('spec.hosts', 'A wildcard host can not be resolved. Give endpoints or use another resolution.');
  if (resolution === 'DYNAMIC_DNS' && (endpoints.length > 0 || spec.addresses?.length)) findings.error('spec', 'With resolution DYNAMIC_DNS neither endpoints nor addresses can be given.');
  const names = new Set(spec.ports?.map(({ name }) => name));
  endpoints.forEach((endpoint, index) => {
    const path = `spec.endpoints[${index}]`;
    const { address = '' } = endpoint;
    if (resolution === 'STATIC' && !isAddress(address) && !address.startsWith('unix://')) findings.error(`${path}.address`, `With resolution STATIC the address must be an IP address, not ${JSON.stringify(address)}.`);
    if (resolution === 'DNS' && !isAddress(address)) checkHost(address, `${path}.address`, findings, { wildcard: false });
    for (const [name, port] of Object.entries(endpoint.ports ?? {})) {
      if (!names.has(name)) findings.error(`${path}.ports.${name}`, `The port name ${name} is not among the ports of the service entry.`);
      checkPort(port, `${path}.ports.${name}`, findings);
    }
  });
}
