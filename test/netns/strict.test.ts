// A captured pod under STRICT mutual TLS, in both address families: strangers without a certificate get nothing of the application, while the kubelet's probes and the scraper of metrics, who have
// none either, are answered on the pod's addresses; and a real database that speaks first.
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { POD_ADDRESS, PodNetwork, reasonToSkip } from './support/pod-network.ts';

const reason = reasonToSkip('strict.test.ts');
const support = (name: string): string => join(import.meta.dirname, 'support', name);
const bracket = (address: string): string => (address.includes(':') ? `[${address}]` : address);
const ips = Object.values(POD_ADDRESS);

function meshOf(mode: string): unknown {
  const probe = { httpGet: { path: '/ready', port: 9080 }, timeoutSeconds: 3 };
  return {
    meshConfig: { protocolDetectionTimeout: '700ms' },
    node: { id: `sidecar~${POD_ADDRESS.IPv4}~app-1.test~test.svc.cluster.local`, metadata: { NAMESPACE: 'test', LABELS: { app: 'app' }, INTERCEPTION_MODE: 'REDIRECT', MIZZEN_VERSION: '3.1.0', INSTANCE_IPS: ips.join(',') } },
    agent: {
      POD_NAME: 'app-1', POD_NAMESPACE: 'test', INSTANCE_IP: POD_ADDRESS.IPv4, ISTIO_META_INTERCEPTION_MODE: 'REDIRECT', ISTIO_PROMETHEUS_ANNOTATIONS: JSON.stringify({ scrape: 'true', port: '9080', path: '/metrics' }),
      ISTIO_KUBE_APP_PROBERS: JSON.stringify({ '/app-health/app/readyz': probe, '/app-health/app/livez': { tcpSocket: { port: 9080 } }, '/app-health/app/startupz': { httpGet: { path: '/', port: 9999 } } }),
    },
    mesh: {
      services: [{ metadata: { name: 'app', namespace: 'test' }, spec: { clusterIP: '10.9.9.200', selector: { app: 'app' }, ports: [{ name: 'http', port: 9080, targetPort: 9080 }, { name: 'mysql', port: 3306, targetPort: 3306 }] } }],
      pods: [{ metadata: { name: 'app-1', namespace: 'test', labels: { app: 'app' } }, status: { phase: 'Running', podIP: ips[0], podIPs: ips.map((ip) => ({ ip })) } }],
      endpointSlices: [], namespaces: [{ metadata: { name: 'test' } }],
      config: [{ apiVersion: 'security.istio.io/v1', kind: 'PeerAuthentication', metadata: { name: 'default', namespace: 'istio-system' }, spec: { mtls: { mode } } }],
    },
  };
}

const EVERYWHERE = ['0.0.0.0', '::'];

describe.skipIf(reason !== '')('a captured pod under STRICT mutual TLS', () => {
  let network: PodNetwork;

  beforeAll(async () => {
    network = new PodNetwork('s');
    await network.capture({});
    await network.start(network.pod, 'application', [process.execPath, support('echo-server.ts'), 'application', 'http', ...EVERYWHERE.flatMap((address) => [address, '9080'])]);
    await network.start(network.pod, 'proxy', [process.execPath, support('captured-proxy.ts')], stringify(meshOf('STRICT')));
  }, 60_000);

  afterAll(() => network?.close());

  for (const address of ips) {
    const status = (path: string): string => network.script(network.world, 'const answer = await fetch(process.argv[1], { signal: AbortSignal.timeout(8000) }).catch((error) => ({ status: error.cause?.code ?? error.name })); process.stdout.write(String(answer.status))', `http://${bracket(address)}:${path}`);

    it(`gives nothing of its application to plain text at ${address}`, () => {
      expect(status('9080/')).toMatch(/ECONNRESET|UND_ERR_SOCKET/);
    }, 30_000);

    it(`answers the kubelet's probes at ${address}, on behalf of the application too`, () => {
      expect([status('15021/healthz/ready'), status('15020/healthz/ready'), status('15020/app-health/app/readyz'), status('15020/app-health/app/livez')]).toEqual(['200', '200', '200', '200']);
      expect([status('15020/app-health/app/startupz'), status('15020/app-health/app/prestopz'), status('15020/debug/syncz')]).toEqual(['500', '404', '403']);
    }, 60_000);

    it(`shows its metrics at ${address}, those of the application among them on the agent's port`, () => {
      const text = (port: number): string => network.get(network.world, `http://${bracket(address)}:${port}/stats/prometheus`);
      expect(text(15_020)).toMatch(/app_answers 7[^]*proxy_listeners \d+[^]*istio_agent_/);
      expect(text(15_090)).toMatch(/^# TYPE proxy_listeners gauge\nproxy_listeners \d+\n$/);
    }, 30_000);
  }
});

const database = spawnSync('mariadbd', ['--version']).error || spawnSync('mariadb-install-db', ['--help']).error || spawnSync('mariadb', ['--version']).error ? 'MariaDB is not installed' : '';
if (reason === '' && database !== '') process.stderr.write(`strict.test.ts: the database is left out, ${database}\n`);

describe.skipIf(reason !== '' || database !== '')('a real MariaDB in a captured pod that lets plain text in', () => {
  let network: PodNetwork;
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'mizzen-mariadb-'));
    chmodSync(folder, 0o755);
    const data = join(folder, 'data');
    mkdirSync(data);
    chownSync(data, 2000, 2000);
    const made = spawnSync('setpriv', ['--reuid=2000', '--regid=2000', '--clear-groups', 'mariadb-install-db', '--no-defaults', `--datadir=${data}`, '--auth-root-authentication-method=normal', '--skip-test-db'], { encoding: 'utf8' });
    if (made.status !== 0) throw new Error(made.stderr);
    network = new PodNetwork('m');
    await network.capture({});
    await network.start(network.pod, 'proxy', [process.execPath, support('captured-proxy.ts')], stringify(meshOf('PERMISSIVE')));
    // The database is what is started, and so what is ended; the watcher says when it serves and is gone.
    const watcher = `(until mariadb --no-defaults --socket=${data}/s -e "select 1" >/dev/null 2>&1; do sleep 0.2; done; echo ready) &`;
    const server = `exec mariadbd --no-defaults --datadir=${data} --socket=${data}/s --pid-file=${data}/p --bind-address=* --port=3306 --skip-log-bin --skip-name-resolve --skip-grant-tables --skip-networking=0 --innodb-buffer-pool-size=8M`;
    await network.start(network.pod, 'application', ['sh', '-c', `${watcher} ${server}`]);
  }, 120_000);

  afterAll(async () => {
    await network?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it.each(ips)('is asked through the capture at %s, although it speaks first', (address) => {
    expect(network.run(network.world, `mariadb --no-defaults --skip-ssl --connect-timeout=9 --host=${address} --port=3306 --user=root -N -B -e select(40+2)`).trim()).toBe('42');
  }, 30_000);
});
