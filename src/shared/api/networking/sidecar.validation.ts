// The webhook's semantic checks of Sidecar: what a schema can not say.
import type { Issue } from '../../lib/index.ts';
import type { Sidecar } from './sidecar.ts';
import { checkHost, checkLabels, checkPort, Findings } from './validation-rules.ts';

/** What this version does not do: listeners of one's own, on either side. Ports are those of the workload's Services. */
function checkUnserved({ ingress = [], egress = [], inboundConnectionPool, outboundTrafficPolicy }: Sidecar['spec'], findings: Findings): void {
  ingress.forEach(({ port, defaultEndpoint, tls }, index) => {
    const path = `spec.ingress[${index}]`;
    if (tls) findings.notEnforced(`${path}.tls`, 'TLS of an ingress listener is not enforced by this version: the port would be open as PeerAuthentication says. Use PeerAuthentication, or end TLS in the application.');
    else if (defaultEndpoint && !leadsTo(defaultEndpoint, port.number)) findings.notEnforced(`${path}.defaultEndpoint`, `Requests would reach port ${port.number} of the workload instead of ${defaultEndpoint}. Let the Service's targetPort name the port.`);
    else findings.warning(path, 'Ingress listeners have no effect in this version: the workload is served on the ports of its Services. Remove the listener, or do not rely on it.');
  });
  egress.forEach((listener, index) => findings.withoutEffect(listener, ['port', 'bind', 'captureMode'], `spec.egress[${index}]`));
  findings.withoutEffect({ inboundConnectionPool }, ['inboundConnectionPool'], 'spec');
  if (outboundTrafficPolicy?.egressProxy) findings.notEnforced('spec.outboundTrafficPolicy.egressProxy', 'The egress proxy is not used by this version: traffic to unknown hosts would leave directly. Use REGISTRY_ONLY with a ServiceEntry and a VirtualService that leads to the egress gateway.');
}

/** Whether an endpoint `address:port` is the very port that the listener has. */
function leadsTo(endpoint: string, port: number): boolean {
  return !endpoint.startsWith('unix:') && endpoint.endsWith(`:${port}`);
}

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
  checkUnserved(object.spec, findings);
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
