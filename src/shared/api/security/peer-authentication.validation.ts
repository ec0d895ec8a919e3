// The webhook's semantic checks of PeerAuthentication: what a schema can not say.
import type { Issue } from '../../lib/index.ts';
import { checkLabels, Findings } from '../networking/validation-rules.ts';
import type { PeerAuthentication } from './peer-authentication.ts';

/** What is wrong with `object`; an error keeps it out. */
export function validatePeerAuthentication(object: PeerAuthentication): Issue[] {
  const findings = new Findings();
  const { selector, portLevelMtls } = object.spec;
  checkLabels(selector?.matchLabels, 'spec.selector.matchLabels', findings);
  const ports = Object.keys(portLevelMtls ?? {});
  if (ports.length > 0 && Object.keys(selector?.matchLabels ?? {}).length === 0) findings.error('spec.portLevelMtls', 'Modes of ports need a selector, since ports belong to workloads. Add one.');
  for (const port of ports) if (!/^\d+$/.test(port) || Number(port) < 1 || Number(port) > 65535) findings.error(`spec.portLevelMtls.${port}`, `${JSON.stringify(port)} is not a port. Use 1 to 65535.`);
  return findings.issues;
}
