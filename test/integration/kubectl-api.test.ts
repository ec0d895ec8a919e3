// A stock kubectl against an API server alone, without nodes: the sandbox's in ring 1, a real one in ring 2. What needs pods that run is in kubectl.test.ts.
// Needs a kubectl (MIZZEN_KUBECTL, or Go to build one); without either the suite is skipped and says so.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { removeNamespaces, startTestApiServer, type TestApiServer } from '../support/test-api-server.ts';
import { provideKubectl } from '../../tools/kubectl.ts';
import { runKubectl } from '../support/run-kubectl.ts';

const kubectl = await provideKubectl();
if (kubectl === undefined) process.stderr.write('kubectl suite skipped: there is no Go to build kubectl and MIZZEN_KUBECTL is not set\n');

const NAMESPACE = 'kubectl-api';
const web = (over: string = ''): string => `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, labels: { app: web } }
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: web, image: 'test/web:v1', env: [{ name: GREETING, value: hello }] }] }
${over}---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { selector: { app: web }, ports: [{ name: http, port: 8080, targetPort: 80 }] }
`;

const boats = JSON.stringify({
  apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: 'boats.kubectl.mizzen.io' },
  spec: {
    group: 'kubectl.mizzen.io', scope: 'Namespaced', names: { plural: 'boats', singular: 'boat', kind: 'Boat', shortNames: ['bt'] },
    versions: [{
      name: 'v1', served: true, storage: true, subresources: { status: {} }, additionalPrinterColumns: [{ name: 'Sails', type: 'integer', jsonPath: '.spec.sails' }],
      schema: { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', required: ['sails'], properties: { sails: { type: 'integer', minimum: 1, description: 'How many.' }, color: { type: 'string', default: 'white' } },
        'x-kubernetes-validations': [{ rule: "self.sails < 5 || self.color == 'white'", message: 'a big boat is white' }] } } } },
    }],
  },
});

describe.skipIf(kubectl === undefined)('kubectl against an API server', () => {
  let directory: string;
  let server: TestApiServer;

  const run = (args: readonly string[], input = '', until?: RegExp): ReturnType<typeof runKubectl> =>
    runKubectl(['-n', NAMESPACE, ...args], { program: kubectl ?? '', kubeconfig: join(directory, 'kubeconfig'), home: directory, input, until, timeoutMilliseconds: 45_000 });
  const text = async (args: readonly string[], input?: string): Promise<string> => (await run(args, input)).text;

  beforeAll(async () => {
    server = await startTestApiServer(218);
    directory = mkdtempSync(join(tmpdir(), 'mizzen-kubectl-api-'));
    writeFileSync(join(directory, 'kubeconfig'), server.adminKubeconfig, { mode: 0o600 });
    expect(await text(['create', 'namespace', NAMESPACE])).toContain('created');
  });

  afterAll(async () => {
    await run(['delete', 'crd', 'boats.kubectl.mizzen.io', '--ignore-not-found']);
    await removeNamespaces(server, [NAMESPACE]);
    await server?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  it('applies, compares and shows', async () => {
    const applied = await text(['apply', '-f', '-'], web());
    expect(applied).toContain('deployment.apps/web created');
    expect(applied).toContain('service/web created');
    expect(await text(['apply', '-f', '-'], web())).toContain('deployment.apps/web unchanged');
    expect((await run(['diff', '-f', '-'], web())).status).toBe(0);
    const differing = await run(['diff', '-f', '-'], web().replace('replicas: 2', 'replicas: 3'));
    expect(differing.status).toBe(1);
    expect(differing.text).toMatch(/^\+ +replicas: 3$/m);
    expect(await text(['get', 'deployments'])).toMatch(/web\s+0\/2\s+0\s+0/);
    expect(await text(['get', 'service', 'web'])).toMatch(/web\s+ClusterIP\s+\d+\.\d+\.\d+\.\d+\s+<none>\s+8080\/TCP/);
    expect(await text(['describe', 'service', 'web'])).toMatch(/Port:\s+http\s+8080\/TCP/);
    expect(await text(['get', 'all'])).toContain('deployment.apps/web');
    expect(await text(['api-resources'])).toMatch(/deployments\s+deploy\s+apps\/v1\s+true\s+Deployment/);
  });

  it('patches in each of the ways, and scales', async () => {
    expect(await text(['patch', 'deployment', 'web', '-p', '{"spec":{"template":{"spec":{"containers":[{"name":"web","env":[{"name":"GREETING","value":"bonjour"}]}]}}}}'])).toContain('patched');
    expect(await text(['get', 'deployment', 'web', '-o', 'jsonpath={.spec.template.spec.containers[0].image} {.spec.template.spec.containers[0].env[0].value}'])).toBe('test/web:v1 bonjour');
    expect(await text(['patch', 'deployment', 'web', '--type=json', '-p', '[{"op":"replace","path":"/spec/replicas","value":1}]'])).toContain('patched');
    expect(await text(['patch', 'service', 'web', '--type=merge', '-p', '{"metadata":{"labels":{"team":"a"}}}'])).toContain('patched');
    expect(await text(['scale', 'deployment/web', '--replicas=4'])).toContain('scaled');
    expect(await text(['get', 'deployment', 'web', '-o', 'jsonpath={.spec.replicas}'])).toBe('4');
    expect(await text(['set', 'image', 'deployment/web', 'web=test/web:v2'])).toContain('image updated');
    expect(await text(['label', 'deployment', 'web', 'tier=front'])).toContain('labeled');
    expect(await text(['annotate', 'deployment', 'web', 'note=x'])).toContain('annotated');
    expect(await text(['get', 'deployments', '-l', 'tier=front', '-o', 'name'])).toBe('deployment.apps/web\n');
  });

  it('applies on the server and names who owns a field in conflict', async () => {
    const config = 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: owned }\ndata: { key: one }\n';
    expect(await text(['apply', '--server-side', '--field-manager=first', '-f', '-'], config)).toContain('serverside-applied');
    const conflict = await run(['apply', '--server-side', '--field-manager=second', '-f', '-'], config.replace('one', 'two'));
    expect(conflict.status).not.toBe(0);
    expect(conflict.text).toContain('conflict with "first": .data.key');
    expect(await text(['apply', '--server-side', '--force-conflicts', '--field-manager=second', '-f', '-'], config.replace('one', 'two'))).toContain('serverside-applied');
    expect(await text(['create', 'configmap', 'ghost', '--dry-run=server', '--from-literal=a=b'])).toContain('created (server dry run)');
    expect(await text(['get', 'configmap', 'ghost'])).toContain('NotFound');
  });

  it('watches changes as they come', async () => {
    const watching = run(['get', 'configmaps', '-w', '--no-headers'], '', /late/);
    await new Promise((resolve) => { setTimeout(resolve, 1000); });
    expect(await text(['create', 'configmap', 'late', '--from-literal=a=b'])).toContain('configmap/late created');
    expect((await watching).text).toContain('late');
    expect(await text(['wait', '--for=jsonpath={.data.a}=b', 'configmap/late', '--timeout=10s'])).toContain('condition met');
  });

  it('serves a custom resource with its schema', async () => {
    expect(await text(['apply', '-f', '-'], boats)).toContain('created');
    expect(await text(['wait', '--for=condition=Established', 'crd/boats.kubectl.mizzen.io', '--timeout=20s'])).toContain('condition met');
    const boat = (spec: string): string => `apiVersion: kubectl.mizzen.io/v1\nkind: Boat\nmetadata: { name: one }\nspec: ${spec}\n`;
    await expect.poll(() => text(['explain', 'boat.spec.sails']), { timeout: 30_000, interval: 500 }).toMatch(/FIELD: sails <integer>/);
    expect(await text(['apply', '-f', '-'], boat('{ sails: 0 }'))).toMatch(/spec\.sails: Invalid value: 0: spec\.sails in body should be greater than or equal to 1/);
    expect(await text(['apply', '-f', '-'], boat('{ sails: 6, color: red }'))).toContain('a big boat is white');
    expect(await text(['apply', '-f', '-'], boat('{ sails: 2, wheels: 4 }'))).toMatch(/unknown field "spec\.wheels"/);
    expect(await text(['apply', '-f', '-'], boat('{ sails: 2 }'))).toContain('created');
    expect(await text(['get', 'bt'])).toMatch(/one\s+2/);
    expect(await text(['get', 'boat', 'one', '-o', 'jsonpath={.spec.color}'])).toBe('white');
    expect(await text(['replace', '-f', '-'], boat('{ sails: 3 }'))).toContain('replaced');
  });

  it('answers mistakes in Kubernetes\' own words', async () => {
    expect(await text(['get', 'deployment', 'none'])).toContain('Error from server (NotFound): deployments.apps "none" not found');
    expect(await text(['create', '-f', '-'], 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: Bad_Name }\n')).toMatch(/metadata\.name: Invalid value: "Bad_Name"/);
    expect(await text(['create', '-f', '-'], web().replace('matchLabels: { app: web }', 'matchLabels: { app: other }').replaceAll('name: web,', 'name: web2,'))).toContain('`selector` does not match template `labels`');
    expect(await text(['auth', 'can-i', 'delete', 'pods', `--as=system:serviceaccount:${NAMESPACE}:default`])).toContain('no');
    expect(await text(['get', 'pods', `--as=system:serviceaccount:${NAMESPACE}:default`])).toContain(`pods is forbidden: User "system:serviceaccount:${NAMESPACE}:default" cannot list resource "pods"`);
    expect(await text(['apply', '-f', '-'], 'apiVersion: foo.io/v1\nkind: Foo\nmetadata: { name: a }\n')).toContain('no matches for kind "Foo" in version "foo.io/v1"');
    expect(await text(['apply', '-f', '-'], web().replace('replicas: 2', 'replicas: 2\n  nonsense: 1'))).toContain('unknown field "spec.nonsense"');
    expect(await text(['create', 'token', 'none'])).toContain('serviceaccounts "none" not found');
  });

  it('deletes', async () => {
    expect(await text(['delete', 'deployment', 'web', '--wait=false'])).toContain('deleted');
    expect(await text(['delete', 'service', 'web'])).toContain('deleted');
    expect(await text(['delete', 'configmap', '--all'])).toContain('deleted');
    expect(await text(['delete', 'boat', 'one'])).toContain('deleted');
  });
});
