// Istio's own filters that exist both for HTTP and for TCP: standard metrics and the exchange of workload metadata.
import { MetadataExchange } from '../../shared/xds/generated/istio/metadata_exchange.ts';
import { PluginConfig, Reporter } from '../../shared/xds/generated/istio/stats.ts';
import type { IstioStatsConfig, MetadataExchangeConfig } from './filter-config.ts';
import type { Findings } from './findings.ts';
import type { ListenerConfig } from './runtime-config.ts';
import type { TypedConfig } from './typed-struct.ts';

/** Istio's standard metrics; the reporter follows from the listener's direction. */
export function istioStats({ bytes, fields }: TypedConfig, path: string, findings: Findings, direction: ListenerConfig['direction']): IstioStatsConfig {
  const message: PluginConfig = fields ? { ...fields } : PluginConfig.decode(bytes);
  findings.ignoreFields(message, path, ['tcpReportingDuration', 'metrics', 'definitions', 'rescopingDuration', 'scopeGracePeriodDuration']);
  const gateway = message.reporter === Reporter.SERVER_GATEWAY || (message.reporter as unknown) === 'SERVER_GATEWAY';
  return { kind: 'istio_stats', reporter: direction === 'inbound' || gateway ? 'destination' : 'source', disableHostHeaderFallback: message.disableHostHeaderFallback ?? false };
}

/** The exchange of metadata on TCP connections. */
export function metadataExchange({ bytes, fields }: TypedConfig): MetadataExchangeConfig {
  const message: MetadataExchange = fields ? { ...fields } : MetadataExchange.decode(bytes);
  return { kind: 'metadata_exchange', alpnProtocol: message.protocol || 'istio-peer-exchange' };
}
