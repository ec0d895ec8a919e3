// Makes the probe of a health check for one host.
import type { HealthCheckConfig } from '../../config/runtime-config.ts';
import type { CheckedCluster } from './checked-cluster.ts';
import type { Host } from '../host.ts';
import type { Probe } from './health-session.ts';
import { HttpProbe } from './http-probe.ts';
import { TcpProbe } from './tcp-probe.ts';
import { grpcExchange } from './grpc-exchange.ts';
import { httpExchange } from './http-exchange.ts';

/** The probe of `config` for `host`. */
export function createProbe(config: HealthCheckConfig, host: Host, cluster: CheckedCluster): Probe {
  const { checker } = config;
  if (checker.kind === 'tcp') return new TcpProbe(config, checker, host, cluster);
  const named = host.endpoint.healthCheck?.hostname ?? '';
  if (checker.kind === 'grpc') return new HttpProbe(config, grpcExchange(checker, checker.authority || named || cluster.name), 'http2', host, cluster);
  return new HttpProbe(config, httpExchange(checker, checker.host || named || cluster.name), checker.codec, host, cluster);
}
