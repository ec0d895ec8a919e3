// Built-in kinds: their defaults, what they refuse, which fields never change, and their subresources.
import type { Scenario } from '../scenario.ts';

const container = (over: object = {}) => ({ name: 'c', image: 'i:1', ...over });
const pod = (name: string, spec: object = {}, metadata: object = {}) => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name, ...metadata }, spec: { containers: [container()], ...spec } });
const template = (spec: object = {}, labels: object = { app: 'x' }) => ({ metadata: { labels }, spec: { containers: [container()], ...spec } });
const selector = { matchLabels: { app: 'x' } };

const pods: Scenario = {
  name: 'pods',
  run: async (api) => {
    const path = api.path('v1/pods');
    await api.post(path, pod('plain'));
    const rich = { resources: { limits: { cpu: '1', memory: '64Mi' } }, ports: [{ containerPort: 80 }], readinessProbe: { httpGet: { port: 80 } }, livenessProbe: { tcpSocket: { port: 80 }, initialDelaySeconds: 5 }, startupProbe: { grpc: { port: 1 } }, lifecycle: { preStop: { sleep: { seconds: 1 } }, postStart: { exec: { command: ['x'] } } }, envFrom: [{ configMapRef: { name: 'c' } }], env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }, { name: 'B', valueFrom: { resourceFieldRef: { resource: 'limits.cpu' } } }] };
    await api.post(path, pod('rich', {
      containers: [container(rich)], initContainers: [container({ name: 'side', restartPolicy: 'Always' })], serviceAccountName: 'default', automountServiceAccountToken: false, securityContext: { runAsUser: 1, fsGroup: 2 },
      volumes: [{ name: 'e' }, { name: 's', secret: { secretName: 's' } }, { name: 'm', configMap: { name: 'm' } }, { name: 'd', downwardAPI: { items: [{ path: 'l', fieldRef: { fieldPath: 'metadata.labels' } }] } }, { name: 'p', projected: { sources: [{ serviceAccountToken: { path: 't' } }] } }, { name: 'h', hostPath: { path: '/x' } }],
    }));
    const bad: Record<string, object> = {
      'no-containers': { containers: [] }, 'no-image': { containers: [{ name: 'c' }] }, 'no-name': { containers: [{ image: 'i' }] }, twice: { containers: [container(), container()] }, 'bad-name': { containers: [container({ name: 'Bad_Name' })] }, port: { containers: [container({ ports: [{ containerPort: 0 }] })] }, 'port-name': { containers: [container({ ports: [{ containerPort: 1, name: 'much-too-long-a-name' }, { containerPort: 2, name: 'a' }, { containerPort: 3, name: 'a' }] })] },
      protocol: { containers: [container({ ports: [{ containerPort: 1, protocol: 'XTP' }] })] }, mount: { containers: [container({ volumeMounts: [{ name: 'none', mountPath: '/a' }] })] }, 'mount-twice': { volumes: [{ name: 'v' }], containers: [container({ volumeMounts: [{ name: 'v', mountPath: '/a' }, { name: 'v', mountPath: '/a' }] })] }, 'restart-policy': { restartPolicy: 'Sometimes' }, 'dns-policy': { dnsPolicy: 'Whatever' },
      'two-sources': { volumes: [{ name: 'v', emptyDir: {}, hostPath: { path: '/' } }] }, probe: { containers: [container({ livenessProbe: { httpGet: { port: 80 }, tcpSocket: { port: 80 } } })] }, 'empty-probe': { containers: [container({ livenessProbe: {} })] }, 'probe-numbers': { containers: [container({ livenessProbe: { httpGet: { port: 80 }, periodSeconds: -1, successThreshold: 2 } })] }, env: { containers: [container({ env: [{ name: '' }, { name: 'A', value: 'x', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }, { name: 'B', valueFrom: { fieldRef: { fieldPath: 'metadata.nonsense' } } }] })] },
      'init-probe': { initContainers: [container({ name: 'i', readinessProbe: { httpGet: { port: 80 } } })] }, resources: { containers: [container({ resources: { limits: { cpu: '1' }, requests: { cpu: '2' } } })] }, quantity: { containers: [container({ resources: { limits: { cpu: 'lots' } } })] }, grace: { terminationGracePeriodSeconds: -1 }, account: { serviceAccountName: 'missing' }, pull: { containers: [container({ imagePullPolicy: 'Perhaps' })] }, hostname: { hostname: 'Bad_Host' }, toleration: { tolerations: [{ operator: 'Perhaps' }] }, type: { containers: 'c' }, unknown: { nonsense: true },
    };
    for (const [name, spec] of Object.entries(bad)) {
      const answer = await api.quiet('POST', `${path}?dryRun=All`, pod(name, spec));
      api.transcript.record(`POST pod ${name}`, answer);
    }
    await api.patch('merge', `${path}/plain`, { spec: { terminationGracePeriodSeconds: 5 } });
    await api.patch('strategic', `${path}/plain`, { spec: { containers: [{ name: 'c', image: 'i:2' }] } });
    await api.patch('strategic', `${path}/plain`, { spec: { containers: [{ name: 'c', env: [{ name: 'A', value: 'x' }] }] } });
    await api.patch('merge', `${path}/plain/status`, { status: { phase: 'Running', podIP: '10.1.2.3', podIPs: [{ ip: '10.1.2.3' }], conditions: [{ type: 'Ready', status: 'True' }] } });
    await api.post(`${path}/plain/binding`, { apiVersion: 'v1', kind: 'Binding', metadata: { name: 'plain' }, target: { kind: 'Node', name: 'n1' } });
    await api.post(`${path}/plain/binding`, { apiVersion: 'v1', kind: 'Binding', metadata: { name: 'plain' }, target: { kind: 'Node', name: 'n2' } });
    await api.get(path, { headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' } });
    await api.get(`${path}?fieldSelector=spec.nodeName%3Dn1`, { headers: { accept: 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io' } });
    await api.post(`${path}/plain/eviction`, { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'plain' } });
    await api.get(`${path}/plain`);
    await api.delete(`${path}/plain?gracePeriodSeconds=0`);
    await api.delete(`${path}/rich`);
    await api.get(`${path}/rich/nonsense`);
    await api.get(`${path}/none/log`);
    await api.get(`${path}/none/ephemeralcontainers`);
  },
};

const services: Scenario = {
  name: 'services',
  run: async (api) => {
    const path = api.path('v1/services');
    const service = (name: string, spec: object) => ({ apiVersion: 'v1', kind: 'Service', metadata: { name }, spec });
    await api.post(path, service('plain', { ports: [{ port: 80 }] }));
    await api.post(path, service('headless', { clusterIP: 'None', selector: { a: 'b' }, ports: [{ port: 80, name: 'a' }, { port: 81, name: 'b', targetPort: 'x' }] }));
    await api.post(path, service('external', { type: 'ExternalName', externalName: 'example.com' }));
    await api.post(path, service('node', { type: 'NodePort', ports: [{ port: 80 }] }));
    await api.post(path, service('balanced', { type: 'LoadBalancer', externalTrafficPolicy: 'Local', ports: [{ port: 80 }] }));
    await api.post(path, service('affine', { sessionAffinity: 'ClientIP', ports: [{ port: 80, protocol: 'UDP' }] }));
    const bad: Record<string, object> = { 'no-ports': {}, unnamed: { ports: [{ port: 1 }, { port: 2 }] }, 'same-name': { ports: [{ port: 1, name: 'a' }, { port: 2, name: 'a' }] }, 'same-port': { ports: [{ port: 1, name: 'a' }, { port: 1, name: 'b' }] }, range: { ports: [{ port: 70000 }] }, type: { type: 'Magic', ports: [{ port: 1 }] }, address: { clusterIP: '1.2.3.4', ports: [{ port: 1 }] }, 'no-address': { clusterIP: 'abc', ports: [{ port: 1 }] },
      'external-name': { type: 'ExternalName' }, 'external-bad': { type: 'ExternalName', externalName: 'Bad_Name' }, protocol: { ports: [{ port: 1, protocol: 'XTP' }] }, 'node-port': { type: 'NodePort', ports: [{ port: 1, nodePort: 5 }] }, affinity: { sessionAffinity: 'Perhaps', ports: [{ port: 1 }] }, policy: { type: 'NodePort', externalTrafficPolicy: 'Far', ports: [{ port: 1 }] }, internal: { internalTrafficPolicy: 'Far', ports: [{ port: 1 }] }, selector: { selector: { a: 'b c' }, ports: [{ port: 1 }] }, target: { ports: [{ port: 1, targetPort: 'Bad_Name' }] }, 'port-name': { ports: [{ port: 1, name: 'Bad_Name' }] }, 'node-port-on-cluster': { ports: [{ port: 1, nodePort: 30000 }] }, family: { ipFamilies: ['IPv6'], ports: [{ port: 1 }] } };
    for (const [name, spec] of Object.entries(bad)) api.transcript.record(`POST service ${name}`, await api.quiet('POST', `${path}?dryRun=All`, service(name, spec)));
    await api.patch('merge', `${path}/plain`, { spec: { clusterIP: '10.96.200.200' } });
    await api.patch('merge', `${path}/plain`, { spec: { clusterIP: null } });
    await api.patch('merge', `${path}/plain`, { spec: { type: 'NodePort' } });
    await api.patch('merge', `${path}/plain`, { spec: { type: 'ClusterIP' } });
    await api.patch('merge', `${path}/plain`, { spec: { type: 'ExternalName', externalName: 'a.b' } });
    await api.patch('merge', `${path}/headless`, { spec: { clusterIP: '' } });
    await api.put(`${path}/node`, service('node', { type: 'NodePort', ports: [{ port: 80, targetPort: 81 }] }));
    await api.patch('merge', `${path}/balanced/status`, { status: { loadBalancer: { ingress: [{ ip: '1.2.3.4' }] } } });
    await api.get(path, { headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' } });
    await api.delete(`${path}/plain`);
    const slices = api.path('discovery.k8s.io/v1/endpointslices');
    const slice = (name: string, over: object) => ({ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata: { name, labels: { 'kubernetes.io/service-name': 'plain' } }, addressType: 'IPv4', endpoints: [{ addresses: ['10.1.1.1'] }], ports: [{ port: 80 }], ...over });
    await api.post(slices, slice('s', {}));
    for (const [name, over] of Object.entries({ 'address-type': { addressType: 'IPv5' }, 'no-address-type': { addressType: undefined }, 'bad-address': { endpoints: [{ addresses: ['a.b'] }] }, 'no-addresses': { endpoints: [{ addresses: [] }] }, link: { endpoints: [{ addresses: ['169.254.1.1'] }] }, ports: { ports: [{ port: 1 }, { port: 2 }] } })) api.transcript.record(`POST slice ${name}`, await api.quiet('POST', `${slices}?dryRun=All`, slice(name, over)));
    await api.patch('merge', `${slices}/s`, { addressType: 'FQDN' });
  },
};

const workloads: Scenario = {
  name: 'workloads',
  run: async (api) => {
    const kinds: Record<string, object> = {
      'apps/v1/deployments': { selector, template: template() }, 'apps/v1/replicasets': { selector, template: template() }, 'apps/v1/daemonsets': { selector, template: template() }, 'apps/v1/statefulsets': { selector, serviceName: 's', template: template() },
      'batch/v1/jobs': { template: template({ restartPolicy: 'Never' }) }, 'batch/v1/cronjobs': { schedule: '* * * * *', jobTemplate: { spec: { template: template({ restartPolicy: 'Never' }) } } },
      'autoscaling/v2/horizontalpodautoscalers': { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'x' }, maxReplicas: 3, metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } }] }, 'policy/v1/poddisruptionbudgets': { selector, minAvailable: 1 },
      'networking.k8s.io/v1/networkpolicies': { podSelector: {}, ingress: [{ ports: [{ port: 80 }] }] }, 'networking.k8s.io/v1/ingresses': { rules: [{ host: 'a.b', http: { paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 's', port: { number: 80 } } } }] } }] },
      'coordination.k8s.io/v1/leases': { holderIdentity: 'me', leaseDurationSeconds: 15, acquireTime: '2026-01-01T00:00:00.000000Z', renewTime: '2026-01-01T00:00:00.000000Z' },
    };
    for (const [resource, spec] of Object.entries(kinds)) {
      const path = api.path(resource);
      const { body } = await api.post(path, { metadata: { name: 'x' }, spec });
      if (body.status !== undefined && resource !== 'batch/v1/cronjobs') await api.get(`${path}/x/status`);
      await api.get(path, { headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' } });
    }
    const refuse = async (resource: string, spec: object) => { api.transcript.record(`POST ${resource} ${JSON.stringify(spec).slice(0, 80)}`, await api.quiet('POST', `${api.path(resource)}?dryRun=All`, { metadata: { name: 'bad' }, spec })); };
    for (const spec of [{}, { selector, template: template({}, { app: 'y' }) }, { selector: {}, template: template() }, { selector, template: template(), replicas: -1 }, { selector, template: template({ restartPolicy: 'Never' }) }, { selector, template: template(), strategy: { type: 'Magic' } }, { selector, template: template(), strategy: { type: 'Recreate', rollingUpdate: { maxSurge: 1 } } }, { selector, template: template(), strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 0 } } }, { selector: { matchLabels: { a: 'b c' } }, template: template() }, { selector: { matchExpressions: [{ key: 'app', operator: 'In' }] }, template: template() }]) await refuse('apps/v1/deployments', spec);
    for (const spec of [{}, { template: template() }, { template: template({ restartPolicy: 'Always' }) }, { selector, template: template({ restartPolicy: 'Never' }) }, { template: template({ restartPolicy: 'Never' }), completions: -1 }]) await refuse('batch/v1/jobs', spec);
    await refuse('batch/v1/cronjobs', { schedule: 'often', jobTemplate: { spec: { template: template({ restartPolicy: 'Never' }) } } });
    await refuse('apps/v1/statefulsets', { selector, template: template(), podManagementPolicy: 'Magic' });
    await refuse('apps/v1/daemonsets', { selector, template: template({ restartPolicy: 'Never' }) });
    await refuse('autoscaling/v2/horizontalpodautoscalers', { scaleTargetRef: { kind: 'Deployment', name: 'x' }, minReplicas: 5, maxReplicas: 3 });
    await refuse('policy/v1/poddisruptionbudgets', { selector, minAvailable: 1, maxUnavailable: 1 });
    await refuse('networking.k8s.io/v1/networkpolicies', { podSelector: {}, policyTypes: ['Sideways'] });
    const deployment = `${api.path('apps/v1/deployments')}/x`;
    await api.patch('merge', deployment, { spec: { selector: { matchLabels: { app: 'y' } }, template: { metadata: { labels: { app: 'y' } } } } });
    await api.patch('merge', deployment, { metadata: { labels: { l: '1' } } });
    await api.patch('merge', deployment, { spec: { replicas: 3 } });
    await api.get(`${deployment}/scale`);
    await api.patch('merge', `${deployment}/scale`, { spec: { replicas: 4 } });
    await api.put(`${deployment}/scale`, { kind: 'Scale', apiVersion: 'autoscaling/v1', metadata: { name: 'x' }, spec: { replicas: -4 } });
    await api.put(`${deployment}/status`, { ...(await api.quiet('GET', deployment)).body, spec: { replicas: 9 }, status: { replicas: 1, observedGeneration: 4 } });
    await api.patch('merge', `${api.path('apps/v1/statefulsets')}/x`, { spec: { serviceName: 'other' } });
    await api.patch('merge', `${api.path('apps/v1/daemonsets')}/x`, { spec: { selector: { matchLabels: { app: 'y' } }, template: { metadata: { labels: { app: 'y' } } } } });
    await api.patch('merge', `${api.path('batch/v1/jobs')}/x`, { spec: { template: { spec: { activeDeadlineSeconds: 5 } } } });
    await api.patch('merge', `${api.path('batch/v1/jobs')}/x`, { spec: { parallelism: 2 } });
    await api.patch('merge', `${api.path('apps/v1/replicasets')}/x`, { spec: { selector: { matchLabels: { app: 'y' } } } });
  },
};

const configuration: Scenario = {
  name: 'configuration',
  run: async (api) => {
    const configs = api.path('v1/configmaps');
    const secrets = api.path('v1/secrets');
    await api.post(configs, { metadata: { name: 'fixed' }, data: { a: '1' }, immutable: true });
    await api.patch('merge', `${configs}/fixed`, { data: { a: '2' } });
    await api.patch('merge', `${configs}/fixed`, { immutable: false });
    await api.post(configs, { metadata: { name: 'both' }, data: { a: '1' }, binaryData: { a: 'AA==' } });
    await api.post(configs, { metadata: { name: 'binary' }, binaryData: { a: 'not base64!' } });
    await api.post(secrets, { metadata: { name: 'text' }, stringData: { a: 'b' }, data: { a: 'eA==', c: 'eA==' } });
    await api.post(secrets, { metadata: { name: 'bad' }, data: { a: 'not base64!' } });
    await api.post(secrets, { metadata: { name: 'tls' }, type: 'kubernetes.io/tls', data: {} });
    await api.post(secrets, { metadata: { name: 'tls2' }, type: 'kubernetes.io/tls', stringData: { 'tls.crt': 'x', 'tls.key': 'y' } });
    await api.patch('merge', `${secrets}/text`, { type: 'other' });
    await api.patch('merge', `${secrets}/text`, { stringData: { z: 'z' } });
    await api.post(secrets, { metadata: { name: 'docker' }, type: 'kubernetes.io/dockerconfigjson', data: {} });
    await api.post(secrets, { metadata: { name: 'token' }, type: 'kubernetes.io/service-account-token' });
    await api.post(api.path('v1/serviceaccounts'), { metadata: { name: 'robot' }, automountServiceAccountToken: false });
    await api.post(api.path('v1/events'), { metadata: { name: 'e1' }, involvedObject: { kind: 'Pod', name: 'p', namespace: '{ns}', apiVersion: 'v1' }, reason: 'Because', message: 'm', type: 'Normal', source: { component: 'contract' }, firstTimestamp: '2026-01-01T00:00:00Z', lastTimestamp: '2026-01-01T00:00:00Z', count: 1 });
    await api.post(api.path('v1/events'), { metadata: { name: 'e2' }, involvedObject: { kind: 'Pod', name: 'p', namespace: 'default' } });
    await api.post(api.path('events.k8s.io/v1/events'), { metadata: { name: 'e3' }, eventTime: '2026-01-01T00:00:00.000000Z', reportingController: 'contract', reportingInstance: 'c1', action: 'Do', reason: 'Because', type: 'Normal', regarding: { kind: 'Pod', name: 'p', namespace: '{ns}' }, note: 'n' });
    await api.post(api.path('events.k8s.io/v1/events'), { metadata: { name: 'e4' }, reason: 'Because' });
    await api.get(`${api.path('v1/events')}/e3`);
    await api.get(`${api.path('events.k8s.io/v1/events')}/e1`);
    await api.patch('strategic', `${api.path('v1/events')}/e1`, { count: 2 });
    await api.post(api.path('v1/resourcequotas'), { metadata: { name: 'q' }, spec: { hard: { pods: '1' } } });
    await api.post(api.path('v1/limitranges'), { metadata: { name: 'l' }, spec: { limits: [{ type: 'Container', default: { cpu: '1' } }] } });
    await api.post('/api/v1/namespaces', { metadata: { name: '{ns}' } });
    await api.get('/api/v1/namespaces/{ns}');
    await api.patch('merge', '/api/v1/namespaces/{ns}', { metadata: { labels: { a: 'b', 'kubernetes.io/metadata.name': 'x' } } });
    await api.patch('merge', '/api/v1/namespaces/{ns}', { spec: { finalizers: [] } });
  },
};

/** Scenarios of built-in kinds. */
export const KIND_SCENARIOS: readonly Scenario[] = [pods, services, workloads, configuration];
