// The webhook's semantic checks of Sidecar: what a schema can not say.
import type { Issue } from '../../lib/index.ts';
import type { Sidecar } from './sidecar.ts';
import { checkHost, checkLabels, checkPort, Findings } from './validation-rules.ts';

/** What is wrong with `object`; an error keeps it out. */
export function validateSidecar(object: Sidecar): Issue[] {
  const findings = new Findings();
  const { egress = [], ingress = [], outboundTrafficPolicy, workloadSelector } = object.spec;
  checkLabels(workloadSelector?.labels, 'spec.workloadSelector.labels', findings);
  if (egress.length + ingress.length === 0 && !outboundTrafficPolicy && !object.spec.inboundConnectionPool) findings.error('spec', 'The sidecar says nothing. Give egress, ingress or outboundTrafficPolicy.');
  const ports = new Set<number>();
  ingress.forEach(({ port }, index) => {
    checkPort(port.number, `spec.ingress[${index}].port.number`, findings);
    if (ports.has(port.number)) findings.error(`spec.ingress[${index}].port.number`, `The port ${port.number} is given twice. Remove one.`);
    ports.add(port.number);
  });
  egress.forEach((listener, index) => {
    const path = `spec.egress[${index}]`;
    if (listener.hosts.length === 0) findings.error(`${path}.hosts`, 'The egress listener has no hosts. Give at least one of the form namespace/host.');
    if (!listener.port && index < egress.length - 1) findings.error(path, 'An egress listener without a port takes everything, so it must be the last. Move it down.');
    listener.hosts.forEach((entry, position) => {
      const [scope, host, ...more] = entry.split('/');
      if (scope === undefined || scope === '' || host === undefined || host === '' || more.length > 0) findings.error(`${path}.hosts[${position}]`, `${JSON.stringify(entry)} is not of the form namespace/host.`);
      else checkHost(host, `${path}.hosts[${position}]`, findings);
    });
  });
  return findings.issues;
}
