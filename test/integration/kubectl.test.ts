// A stock kubectl drives the sandbox: get, describe, apply, patch, wait, watch, logs, exec, scale, rollout, explain-free errors.
// Needs a kubectl (MIZZEN_KUBECTL, or Go to build one); without either the suite is skipped and says so.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSandbox, type Sandbox } from '../../src/sandbox/index.ts';
import { provideKubectl } from '../../tools/kubectl.ts';
import { runKubectl } from '../support/run-kubectl.ts';

const kubectl = await provideKubectl();
if (kubectl === undefined) process.stderr.write('kubectl suite skipped: there is no Go to build kubectl and MIZZEN_KUBECTL is not set\n');

const web = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, labels: { app: web } }
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      containers:
        - name: web
          image: test/web:v1
          ports: [{ name: http, containerPort: 8080 }]
          env: [{ name: GREETING, value: hello }]
          readinessProbe: { httpGet: { path: /, port: http }, periodSeconds: 1 }
---
apiVersion: v1
kind: Service
metadata: { name: web }
spec: { selector: { app: web }, ports: [{ name: http, port: 8080, targetPort: http }] }
`;

const program = `
import http from 'node:http';
http.createServer((request, response) => response.end(process.env.GREETING + ' from ' + process.env.HOSTNAME)).listen(8080, () => console.log('listening'));
`;

describe.skipIf(kubectl === undefined)('kubectl against the sandbox', () => {
  let directory: string;
  let sandbox: Sandbox;
  /** What the latest kubectl has written so far. */
  let output = '';

  const run = (args: readonly string[], input = '', until?: RegExp): ReturnType<typeof runKubectl> =>
    runKubectl(args, { program: kubectl ?? '', kubeconfig: sandbox.kubeconfigPath, home: directory, input, until, timeoutMilliseconds: 60_000, onText: (text) => { output = text; } });

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'mizzen-kubectl-'));
    writeFileSync(join(directory, 'web.mjs'), program);
    sandbox = await startSandbox({
      directory: join(directory, 'sandbox'),
      images: { 'test/web': { command: [process.execPath, join(directory, 'web.mjs')] } },
      containerViewPath: join(import.meta.dirname, '../../src/sandbox/container-view/index.ts'),
    });
  });

  afterAll(async () => {
    await sandbox?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  it('reports versions and the node', async () => {
    expect((await run(['version'])).text).toContain('+mizzen-sandbox');
    expect((await run(['get', 'nodes'])).text).toMatch(/mizzen-sandbox\s+Ready/);
    expect((await run(['api-resources'])).text).toMatch(/deployments\s+deploy\s+apps\/v1\s+true\s+Deployment/);
  });

  it('applies, waits, gets and describes', async () => {
    const applied = await run(['apply', '-f', '-'], web);
    expect(applied.text).toContain('deployment.apps/web created');
    expect(applied.text).toContain('service/web created');
    expect((await run(['wait', '--for=condition=Available', 'deployment/web', '--timeout=30s'])).text).toContain('condition met');
    expect((await run(['get', 'deployments'])).text).toMatch(/web\s+2\/2\s+2\s+2/);
    expect((await run(['get', 'pods', '-l', 'app=web', '-o', 'wide'])).text).toMatch(/1\/1\s+Running\s+0/);
    expect((await run(['describe', 'deployment', 'web'])).text).toMatch(/Replicas:\s+2 desired \| 2 updated \| 2 total \| 2 available/);
    expect((await run(['apply', '-f', '-'], web)).text).toContain('deployment.apps/web unchanged');
    expect((await run(['diff', '-f', '-'], web)).status).toBe(0);
  });

  it('patches in each of the ways and sees the roll-out through', async () => {
    expect((await run(['patch', 'deployment', 'web', '-p', '{"spec":{"template":{"spec":{"containers":[{"name":"web","env":[{"name":"GREETING","value":"bonjour"}]}]}}}}'])).text).toContain('patched');
    expect((await run(['rollout', 'status', 'deployment/web', '--timeout=40s'])).text).toContain('successfully rolled out');
    expect((await run(['get', 'deployment', 'web', '-o', 'jsonpath={.spec.template.spec.containers[0].image} {.spec.template.spec.containers[0].env[0].value}'])).text).toBe('test/web:v1 bonjour');
    expect((await run(['patch', 'deployment', 'web', '--type=json', '-p', '[{"op":"replace","path":"/spec/replicas","value":1}]'])).text).toContain('patched');
    expect((await run(['patch', 'service', 'web', '--type=merge', '-p', '{"metadata":{"labels":{"team":"a"}}}'])).text).toContain('patched');
    expect((await run(['scale', 'deployment/web', '--replicas=2'])).text).toContain('scaled');
  });

  it('applies on the server and names who owns a field in conflict', async () => {
    const config = 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: owned }\ndata: { key: one }\n';
    expect((await run(['apply', '--server-side', '--field-manager=first', '-f', '-'], config)).text).toContain('serverside-applied');
    const conflict = await run(['apply', '--server-side', '--field-manager=second', '-f', '-'], config.replace('one', 'two'));
    expect(conflict.status).not.toBe(0);
    expect(conflict.text).toContain('conflict with "first"');
    expect((await run(['apply', '--server-side', '--force-conflicts', '--field-manager=second', '-f', '-'], config.replace('one', 'two'))).text).toContain('serverside-applied');
  });

  it('reads logs and runs commands in a container', async () => {
    expect((await run(['logs', 'deployment/web'])).text).toContain('listening');
    const pod = (await run(['get', 'pods', '-l', 'app=web', '-o', 'jsonpath={.items[0].metadata.name}'])).text;
    const answer = await run(['exec', pod, '--', process.execPath, '-e', 'process.stdout.write(process.env.GREETING); process.exitCode = 3']);
    expect(answer.text).toContain('bonjour');
    expect(answer.status).toBe(3);
  });

  it('forwards ports, many connections at once, and says why one cannot be reached', async () => {
    let [local, refused] = ['', ''];
    const answered = run(['port-forward', 'deployment/web', ':8080', ':9', '--address=127.0.0.1'], '', /error forwarding port 9/);
    await expect.poll(() => {
      const lines = [...output.matchAll(/Forwarding from 127\.0\.0\.1:(\d+) -> (\d+)/g)];
      local = lines.find(([, , port]) => port === '8080')?.[1] ?? '';
      refused = lines.find(([, , port]) => port === '9')?.[1] ?? '';
      return local !== '' && refused !== '';
    }, { timeout: 10_000 }).toBe(true);
    const texts = await Promise.all(Array.from({ length: 8 }, async () => (await fetch(`http://127.0.0.1:${local}/`)).text()));
    for (const text of texts) expect(text).toContain('bonjour from web-');
    await fetch(`http://127.0.0.1:${refused}/`).catch(() => undefined);
    expect((await answered).text).toContain('ECONNREFUSED');
  });

  it('watches changes as they come', async () => {
    const watching = run(['get', 'configmaps', '-w', '--no-headers'], '', /late/);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect((await run(['create', 'configmap', 'late', '--from-literal=a=b'])).text).toContain('configmap/late created');
    expect((await watching).text).toContain('late');
  });

  it('serves a custom resource with its schema', async () => {
    const definition = JSON.stringify({
      apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: 'boats.test.mizzen.io' },
      spec: {
        group: 'test.mizzen.io', scope: 'Namespaced', names: { plural: 'boats', singular: 'boat', kind: 'Boat', shortNames: ['bt'] },
        versions: [{
          name: 'v1', served: true, storage: true, subresources: { status: {} }, additionalPrinterColumns: [{ name: 'Sails', type: 'integer', jsonPath: '.spec.sails' }],
          schema: { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', required: ['sails'], properties: { sails: { type: 'integer', minimum: 1 }, color: { type: 'string', default: 'white' } },
            'x-kubernetes-validations': [{ rule: "self.sails < 5 || self.color == 'white'", message: 'a big boat is white' }] }, status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } } } },
        }],
      },
    });
    expect((await run(['apply', '-f', '-'], definition)).text).toContain('created');
    expect((await run(['wait', '--for=condition=Established', 'crd/boats.test.mizzen.io', '--timeout=10s'])).text).toContain('condition met');
    const boat = (spec: string): string => `apiVersion: test.mizzen.io/v1\nkind: Boat\nmetadata: { name: one }\nspec: ${spec}\n`;
    expect((await run(['apply', '-f', '-'], boat('{ sails: 0 }'))).text).toMatch(/spec\.sails: Invalid value: 0: spec\.sails in body should be greater than or equal to 1/);
    expect((await run(['apply', '-f', '-'], boat('{ sails: 6, color: red }'))).text).toContain('a big boat is white');
    expect((await run(['apply', '-f', '-'], boat('{ sails: 2, wheels: 4 }'))).text).toMatch(/unknown field "spec\.wheels"/);
    expect((await run(['apply', '-f', '-'], boat('{ sails: 2 }'))).text).toContain('created');
    expect((await run(['get', 'bt'])).text).toMatch(/one\s+2/);
    expect((await run(['get', 'boat', 'one', '-o', 'jsonpath={.spec.color}'])).text).toBe('white');
  });

  it('answers mistakes in Kubernetes\' own words', async () => {
    expect((await run(['get', 'deployment', 'none'])).text).toContain('Error from server (NotFound): deployments.apps "none" not found');
    expect((await run(['create', '-f', '-'], 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: Bad_Name }\n')).text).toMatch(/metadata\.name: Invalid value: "Bad_Name"/);
    expect((await run(['create', '-f', '-'], web.replace('matchLabels: { app: web }', 'matchLabels: { app: other }').replaceAll('name: web', 'name: web2'))).text).toContain('`selector` does not match template `labels`');
    expect((await run(['auth', 'can-i', 'delete', 'pods', '--as=system:serviceaccount:default:default'])).text).toContain('no');
    expect((await run(['get', 'pods', '--as=system:serviceaccount:default:default'])).text).toContain('pods is forbidden: User "system:serviceaccount:default:default" cannot list resource "pods"');
  });

  it('shows events, versions and fields as a cluster does, and refuses in clear words', async () => {
    expect((await run(['get', 'events', '-A'])).text).toMatch(/^NAMESPACE +LAST SEEN +TYPE +REASON +OBJECT +MESSAGE *\n/);
    const version = /Server Version: (\S+)/.exec((await run(['version'])).text)?.[1];
    expect((await run(['get', 'nodes', '-o', 'jsonpath={.items[0].status.nodeInfo.kubeletVersion}'])).text).toBe(version);
    expect((await run(['explain', 'boat.spec.sails'])).text).toMatch(/FIELD: sails <integer>/);
    expect((await run(['apply', '-f', '-'], 'apiVersion: foo.io/v1\nkind: Foo\nmetadata: { name: a }\n')).text).toContain('no matches for kind "Foo" in version "foo.io/v1"');
    const pod = (await run(['get', 'pods', '-l', 'app=web', '-o', 'jsonpath={.items[0].metadata.name}'])).text;
    // The API has ephemeral containers; this node has nothing to run them with, and says so.
    expect((await run(['debug', pod, '--image=busybox', '--profile=general'])).text).toContain('Defaulting debug container name to debugger-');
    await expect.poll(async () => (await run(['get', 'pod', pod, '-o', 'jsonpath={.status.ephemeralContainerStatuses[0].state.waiting.message}'])).text).toMatch(/sandbox/i);
    expect((await run(['attach', pod])).text).toContain('attach is not served by this sandbox');
    expect((await run(['drain', 'mizzen-sandbox', '--dry-run=server', '--force', '--ignore-daemonsets'])).text).toContain('drained (server dry run)');
    expect((await run(['get', 'pod', pod, '-o', 'jsonpath={.metadata.deletionTimestamp}'])).text).toBe('');
  });

  it('deletes with cascade and empties a namespace', async () => {
    expect((await run(['delete', 'deployment', 'web', '--wait'])).text).toContain('deleted');
    expect((await run(['wait', '--for=delete', 'pod', '-l', 'app=web', '--timeout=40s'])).status).toBe(0);
    expect((await run(['create', 'namespace', 'short'])).text).toContain('created');
    expect((await run(['-n', 'short', 'create', 'configmap', 'inside'])).text).toContain('created');
    expect((await run(['delete', 'namespace', 'short', '--timeout=30s'])).text).toContain('deleted');
    expect((await run(['get', 'namespace', 'short'])).text).toContain('NotFound');
  });
});
