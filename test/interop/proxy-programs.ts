// The proxy's program as a process for interop tests: with our own data plane, or with a real Envoy in its place.
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { InteropControlPlane } from './control-plane.ts';
import type { MeshPod } from './small-mesh.ts';

const root = join(import.meta.dirname, '../..');

/** How a proxy is started. */
export interface ProxyStart {
  readonly plane: InteropControlPlane;
  readonly pod: MeshPod;
  readonly role?: 'sidecar' | 'router';
  /** The Envoy to run; our own data plane when absent. */
  readonly envoy?: string;
  readonly interception?: 'NONE' | 'REDIRECT';
  readonly metadata?: Readonly<Record<string, string>>;
  readonly delta?: boolean;
}

/** A running proxy. */
export interface RunningProxy {
  readonly pod: MeshPod;
  readonly adminPort: number;
  /** Port of the explicit HTTP proxy on 127.0.0.1. */
  readonly outboundPort: number;
  readonly kind: 'envoy' | 'mizzen';
  log(): string;
  admin(path: string): Promise<string>;
  /** What the agent answers on a port of the pod's address. */
  agent(port: number, path: string): Promise<{ readonly status: number; readonly body: string }>;
  stop(): Promise<number | null>;
}

/** A port of 127.0.0.1 that nobody uses now. */
export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

/** The text at a URL with its status. */
export function fetchText(url: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    get(url, { agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => (body += text)).on('end', () => resolve({ status: response.statusCode ?? 0, body })).on('error', reject);
    }).on('error', reject);
  });
}

/** Starts a proxy and waits until it is ready. */
export async function startProxy({ plane, pod, role = 'sidecar', envoy, interception = 'NONE', metadata = {}, delta = true }: ProxyStart): Promise<RunningProxy> {
  // The path of a socket in the file system may have 107 characters.
  const folder = mkdtempSync(join(tmpdir(), 'mz-'));
  const [adminPort, outboundPort] = [await freePort(), await freePort()];
  const config = join(folder, 'config');
  mkdirSync(config);
  const environment: Record<string, string> = {
    POD_NAME: pod.name, POD_NAMESPACE: pod.namespace, INSTANCE_IP: pod.ip, SERVICE_ACCOUNT: pod.serviceAccount, TRUST_DOMAIN: 'cluster.local', ISTIO_META_CLUSTER_ID: 'Kubernetes', ISTIO_META_WORKLOAD_NAME: pod.name.replace(/-1$/, ''),
    ISTIO_METAJSON_LABELS: JSON.stringify(pod.labels), PROXY_BIND_ADDRESS: pod.ip, ISTIO_META_INTERCEPTION_MODE: interception, ...(interception === 'NONE' && role === 'sidecar' ? { ISTIO_META_HTTP_PROXY_PORT: String(outboundPort), ISTIO_META_BIND_INBOUND: 'true' } : {}),
    PROXY_CONFIG: JSON.stringify({ discoveryAddress: plane.address, proxyAdminPort: adminPort, configPath: config, terminationDrainDuration: '1s', concurrency: 1 }),
    PROXY_TOKEN_FILE: plane.token(pod.namespace, pod.serviceAccount), XDS_ROOT_CA: join(plane.folder, 'root-cert.pem'), ISTIO_DELTA_XDS: String(delta),
    ...Object.fromEntries(Object.entries(metadata).map(([key, value]) => [`ISTIO_META_${key}`, value])),
    ...(envoy ? { ENVOY_BINARY_PATH: envoy } : {}),
  };
  // A file as a container's output is: Envoy opens /dev/stdout by its name, which a socket pair has not.
  const logPath = join(folder, 'log');
  const logFile = openSync(logPath, 'a');
  const child = spawn(process.execPath, [join(root, 'dist/proxy.js'), 'proxy', role, '--domain', `${pod.namespace}.svc.cluster.local`, '--proxyLogLevel', process.env['INTEROP_LOG'] ?? 'warning'], { env: { PATH: process.env['PATH'], ...environment }, stdio: ['ignore', logFile, logFile] });
  closeSync(logFile);
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const running: RunningProxy = {
    pod, adminPort, outboundPort, kind: envoy ? 'envoy' : 'mizzen', log: () => readFileSync(logPath, 'utf8'),
    admin: async (path) => (await fetchText(`http://127.0.0.1:${adminPort}${path}`)).body,
    agent: (port, path) => fetchText(`http://${pod.ip}:${port}${path}`),
    stop: async () => {
      child.kill('SIGTERM');
      const limit = setTimeout(() => child.kill('SIGKILL'), 10_000);
      const status = await ended;
      clearTimeout(limit);
      rmSync(folder, { recursive: true, force: true });
      return status;
    },
  };
  await untilReady(running, child);
  return running;
}

/**
 * Starts the proxies of `pods` side by side: `gateway-*` as gateways, `*-envoy` with Envoy, the rest with our own data plane. All that started are in `started`, even if one of
 * them fails.
 */
export async function startPairs(started: Map<string, RunningProxy>, plane: InteropControlPlane, pods: Readonly<Record<string, MeshPod>>, envoy: string): Promise<void> {
  const results = await Promise.allSettled(Object.entries(pods).map(async ([name, pod]) => {
    started.set(name, await startProxy({ plane, pod, role: name.startsWith('gateway') ? 'router' : 'sidecar', ...(name.endsWith('envoy') ? { envoy } : {}) }));
  }));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

async function untilReady(proxy: RunningProxy, child: ChildProcess): Promise<void> {
  const end = Date.now() + 60_000;
  for (let last = ''; ; await sleep(50)) {
    if (child.exitCode !== null) throw new Error(`The proxy of ${proxy.pod.name} ended with status ${child.exitCode}:\n${proxy.log().slice(-3000)}`);
    try {
      const { status, body } = await proxy.agent(15021, '/healthz/ready');
      if (status === 200) return;
      last = body;
    } catch (error) {
      last = String(error);
    }
    if (Date.now() > end) {
      const log = proxy.log().slice(-3000);
      await proxy.stop();
      throw new Error(`The proxy of ${proxy.pod.name} was not ready in time: ${last}\n${log}`);
    }
  }
}
