// IST0118: a service port whose name and appProtocol do not say its protocol, so that it is guessed from the first bytes.
import { finding, type Analyzer } from './finding.ts';

/** Finds ports that leave their protocol to guessing. */
export const portNames: Analyzer = {
  codes: ['IST0118'],
  analyze: (snapshot) => [...snapshot.services.values()].filter((service) => service.registry === 'Kubernetes').flatMap((service) => service.ports
    .filter((port) => port.protocol === 'auto')
    .map((port) => finding('IST0118', 'info', { kind: 'Service', namespace: service.namespace, name: service.name }, 'spec.ports',
      `Port name ${port.name} (port: ${port.number}, targetPort: ${port.targetPort}) doesn't follow the naming convention. Name it <protocol>[-<suffix>], for example http-${port.name || 'web'}, or set appProtocol.`))),
};
