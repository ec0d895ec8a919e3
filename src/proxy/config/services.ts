// Services that filters ask (envoy.config.core.v3.GrpcService, envoy.config.common.mutation_rules.v3).
import type { HeaderMutationRules } from '../../shared/xds/generated/envoy/config/common/mutation_rules/v3/mutation_rules.ts';
import { ApiVersion } from '../../shared/xds/generated/envoy/config/core/v3/config_source.ts';
import type { GrpcService } from '../../shared/xds/generated/envoy/config/core/v3/grpc_service.ts';
import type { Findings } from './findings.ts';
import type { GrpcServiceConfig, MutationRulesConfig } from './service-config.ts';
import { milliseconds, regex } from './values.ts';
import { byteString, hostLiteral, isHeaderName, isHeaderValue } from './wire-text.ts';

/** A gRPC service behind a cluster; a time limit of 0 or none takes `defaultMilliseconds`. */
export function grpcService(message: GrpcService | undefined, path: string, findings: Findings, defaultMilliseconds: number): GrpcServiceConfig {
  const target = message?.targetSpecifier;
  const envoy = target?.$case === 'envoyGrpc' ? target.envoyGrpc : undefined;
  if (target?.$case === 'googleGrpc') findings.refuse(`${path}.google_grpc`, 'Only services behind a cluster are supported. Use envoy_grpc.');
  else if (!envoy?.clusterName) findings.refuse(`${path}.envoy_grpc.cluster_name`, 'A cluster name is needed.');
  if (message) findings.ignoreFields(message, path, ['retryPolicy']);
  if (envoy) {
    findings.ignoreFields(envoy, `${path}.envoy_grpc`, ['retryPolicy', 'maxReceiveMessageLength', 'skipEnvoyHeaders']);
    hostLiteral(envoy.authority ?? '', `${path}.envoy_grpc.authority`, findings);
  }
  return {
    cluster: envoy?.clusterName ?? '',
    authority: envoy?.authority ?? '',
    timeoutMilliseconds: milliseconds(message?.timeout, defaultMilliseconds),
    metadata: (message?.initialMetadata ?? []).flatMap(({ key = '', value = '' }, index) => {
      const name = key.toLowerCase();
      const bytes = byteString(value);
      if (!isHeaderName(name) || !isHeaderValue(bytes) || value.includes('%')) {
        findings.refuse(`${path}.initial_metadata[${index}]`, 'Metadata needs the name of a header and a literal value without operators.');
        return [];
      }
      return [{ name, value: bytes }];
    }),
  };
}

/** Refuses an older protocol. The zero value of the field means version 2, which Envoy took for 3 when it removed that. */
export function checkApiVersion(version: ApiVersion | undefined, path: string, findings: Findings): void {
  if (version === ApiVersion.V2) findings.refuse(path, 'Version 2 of the protocol is not spoken. Use V3.');
}

/** Rules for header changes; null when there are none. */
export function mutationRules(message: HeaderMutationRules | undefined, path: string, findings: Findings): MutationRulesConfig | null {
  if (!message) return null;
  return {
    allowAllRouting: message.allowAllRouting ?? false,
    allowEnvoy: message.allowEnvoy ?? false,
    disallowSystem: message.disallowSystem ?? false,
    disallowAll: message.disallowAll ?? false,
    allowExpression: message.allowExpression ? regex(message.allowExpression, `${path}.allow_expression`, findings) : null,
    disallowExpression: message.disallowExpression ? regex(message.disallowExpression, `${path}.disallow_expression`, findings) : null,
    disallowIsError: message.disallowIsError ?? false,
  };
}
