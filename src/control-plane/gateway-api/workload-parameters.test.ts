import { describe, expect, it } from 'vitest';
import { readParameters } from './workload-parameters.ts';

const pod = (spec: string): Record<string, string> => ({ deployment: `spec: { template: { spec: ${spec} } }` });
const fault = (data: Record<string, string>): string | undefined => readParameters(data).parametersFault;

describe('readParameters', () => {
  it('finds nothing in a ConfigMap of something else', () => {
    expect(readParameters({ 'ca.crt': 'x', other: '{ broken' })).toEqual({});
  });

  it('takes what shapes a workload, with a digest that tells versions apart', () => {
    const data = {
      serviceAccount: 'metadata: { annotations: { role: edge } }',
      service: 'metadata: { labels: { a: b } }\nspec: { type: NodePort, externalTrafficPolicy: Local, ports: [{ port: 80, nodePort: 30080 }] }',
      deployment: 'spec: { replicas: 3, template: { metadata: { annotations: { note: x } }, spec: { nodeSelector: { zone: a }, tolerations: [{ key: edge }], affinity: { nodeAffinity: {} }, containers: [{ name: istio-proxy, resources: { limits: { cpu: 1 } } }] } } }',
    };
    const read = readParameters(data);
    expect(read).toMatchObject({ parameters: { service: { spec: { type: 'NodePort' } }, deployment: { spec: { replicas: 3 } } } });
    expect(read.parametersFault).toBeUndefined();
    expect(readParameters({ ...data, deployment: data.deployment.replace('3', '4') }).parametersDigest).not.toBe(read.parametersDigest);
    expect(readParameters(data).parametersDigest).toBe(read.parametersDigest);
  });

  it.each([
    ['the network of the node', pod('{ hostNetwork: true }'), 'deployment spec.template.spec.hostNetwork is not for parameters to say.'],
    ['processes of the node', pod('{ hostPID: true }'), 'hostPID'],
    ['its inter-process communication', pod('{ hostIPC: true }'), 'hostIPC'],
    ['directories of the node', pod('{ volumes: [{ name: root, hostPath: { path: / } }] }'), 'volumes'],
    ['Secrets as volumes', pod('{ volumes: [{ name: s, secret: { secretName: bank } }] }'), 'volumes'],
    ['tokens as volumes', pod('{ volumes: [{ name: s, projected: { sources: [] } }] }'), 'volumes'],
    ['Secrets as variables', pod('{ containers: [{ name: istio-proxy, env: [{ name: A, valueFrom: { secretKeyRef: { name: bank, key: k } } }] }] }'), 'containers[0].env'],
    ['privileges', pod('{ containers: [{ name: istio-proxy, securityContext: { privileged: true } }] }'), 'containers[0].securityContext'],
    ['rights of the pod', pod('{ securityContext: { sysctls: [] } }'), 'securityContext'],
    ['another image', pod('{ containers: [{ name: istio-proxy, image: evil }] }'), 'containers[0].image'],
    ['another container', pod('{ containers: [{ name: own, image: evil }] }'), 'containers[0].name must be one of istio-proxy'],
    ['a container without a name', pod('{ containers: [{ resources: {} }] }'), 'must have a name'],
    ['an init container', pod('{ initContainers: [{ name: own }] }'), 'initContainers'],
    ['another account', pod('{ serviceAccountName: admin }'), 'serviceAccountName'],
    ['a directive of the merge', pod('{ $patch: replace }'), '$patch'],
    ['a field of every object', { service: '__proto__: { spec: 1 }' }, '__proto__'],
    ['annotations that steer injection', { deployment: 'spec: { template: { metadata: { annotations: { inject.istio.io/templates: own } } } }' }, 'inject.istio.io/templates'],
    ['other pods', { service: 'spec: { selector: { app: bank } }' }, 'service spec.selector'],
    ['addresses of others', { service: 'spec: { externalIPs: [192.0.2.1] }' }, 'externalIPs'],
    ['a name of others', { service: 'spec: { type: ExternalName }' }, 'spec.type must be one of LoadBalancer, NodePort, ClusterIP'],
    ['nothing in place of a map', { service: 'spec: null' }, 'service spec must be a map'],
    ['a port without number', { service: 'spec: { ports: [{ name: http }] }' }, 'must have a port'],
    ['Secrets of an account', { serviceAccount: 'imagePullSecrets: [{ name: bank }]' }, 'imagePullSecrets'],
    ['no YAML', { service: '{ broken' }, 'service is not YAML'],
    ['a list', { service: '[]' }, 'service must be a YAML map'],
    ['aliases', { service: 'metadata: { labels: &a { x: y }, annotations: *a }' }, 'service is not YAML'],
    ['a huge text', { service: `# ${'x'.repeat(20_000)}` }, 'at most 16384 are read'],
  ])('refuses %s', (_what, data: Record<string, string>, expected) => {
    expect(fault(data)).toContain(expected);
    expect(readParameters(data).parameters).toBeUndefined();
  });
});
