// Tracing of a connection manager: sampling, tags and the Zipkin provider.
import { ZipkinConfig } from '../../shared/xds/generated/envoy/config/trace/v3/zipkin.ts';
import type { HttpConnectionManager_Tracing } from '../../shared/xds/generated/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.ts';
import type { CustomTag } from '../../shared/xds/generated/envoy/type/tracing/v3/custom_tag.ts';
import type { TracingConfig } from './filter-config.ts';
import type { Findings } from './findings.ts';
import { typedConfig } from './typed-struct.ts';

/** Tracing; a provider that is not known is listed and no spans are sent, while trace headers still pass. */
export function tracing(message: HttpConnectionManager_Tracing, path: string, findings: Findings): TracingConfig {
  findings.ignoreFields(message, path, ['spawnUpstreamSpan']);
  return {
    clientSamplingPercent: message.clientSampling?.value ?? 100,
    randomSamplingPercent: message.randomSampling ? message.randomSampling.value ?? 0 : 100,
    overallSamplingPercent: message.overallSampling ? message.overallSampling.value ?? 0 : 100,
    verbose: message.verbose ?? false,
    maximumPathTagLength: message.maxPathTagLength ?? 256,
    customTags: (message.customTags ?? []).flatMap((tag, index) => customTag(tag, `${path}.custom_tags[${index}]`, findings)),
    provider: providerOf(message, `${path}.provider`, findings),
  };
}

function customTag(message: CustomTag, path: string, findings: Findings): TracingConfig['customTags'] {
  const name = message.tag ?? '';
  const form = message.type;
  switch (form?.$case) {
    case 'literal': return [{ name, source: { kind: 'literal', value: form.literal.value ?? '' } }];
    case 'environment': return [{ name, source: { kind: 'environment', name: form.environment.name ?? '', defaultValue: form.environment.defaultValue ?? '' } }];
    case 'requestHeader': return [{ name, source: { kind: 'header', name: (form.requestHeader.name ?? '').toLowerCase(), defaultValue: form.requestHeader.defaultValue ?? '' } }];
    default:
      findings.ignore(path, 'Tags from metadata are not supported by this proxy and are left out.');
      return [];
  }
}

function providerOf(message: HttpConnectionManager_Tracing, path: string, findings: Findings): TracingConfig['provider'] {
  if (!message.provider) return null;
  const { type, bytes } = typedConfig(message.provider.configType?.typedConfig);
  if (type !== 'envoy.config.trace.v3.ZipkinConfig') {
    findings.ignore(`${path}.typed_config`, `Tracing provider ${JSON.stringify(type)} is not supported by this proxy; no spans are sent.`);
    return null;
  }
  const config = ZipkinConfig.decode(bytes);
  findings.ignoreFields(config, `${path}.typed_config`, ['splitSpansForRequest']);
  if ((config.collectorCluster ?? '') === '') findings.refuse(`${path}.typed_config.collector_cluster`, 'A cluster name is needed.');
  return {
    kind: 'zipkin',
    cluster: config.collectorCluster ?? '',
    path: config.collectorEndpoint || '/api/v2/spans',
    hostname: config.collectorHostname || config.collectorCluster || '',
    traceId128: config.traceId128bit ?? false,
  };
}
