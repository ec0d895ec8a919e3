// Small xDS values that many messages hold: durations, addresses, config sources, matchers.
import type { Address } from '../../shared/xds/generated/envoy/config/core/v3/address.ts';
import { ApiConfigSource_ApiType, ApiVersion, type ConfigSource } from '../../shared/xds/generated/envoy/config/core/v3/config_source.ts';
import type { RuntimeFractionalPercent } from '../../shared/xds/generated/envoy/config/core/v3/base.ts';
import { FractionalPercent_DenominatorType } from '../../shared/xds/generated/envoy/type/v3/percent.ts';
import type { StringMatcher } from '../../shared/xds/generated/envoy/type/matcher/v3/string.ts';
import type { Duration } from '../../shared/xds/generated/google/protobuf/duration.ts';
import { parseDuration } from '../../shared/lib/index.ts';

/** The largest value of a limit, which stands for "no limit" (Istio's choice). */
export const UNLIMITED = 4294967295;

/** A duration of so many milliseconds. */
export function milliseconds(value: number): Duration {
  const seconds = Math.trunc(value / 1000);
  return { seconds, nanos: Math.round((value - seconds * 1000) * 1_000_000) };
}

/** The duration that `text` writes; undefined when absent. */
export function durationOf(text: string | undefined): Duration | undefined {
  const value = parseDuration(text);
  return value === undefined ? undefined : milliseconds(value);
}

/** An address and port. */
export function socketAddress(address: string, port: number): Address {
  return { address: { $case: 'socketAddress', socketAddress: { address, portSpecifier: { $case: 'portValue', portValue: port } } } };
}

/** Resources that come by the same aggregated stream. */
export const ADS_SOURCE: ConfigSource = {
  configSourceSpecifier: { $case: 'ads', ads: {} },
  initialFetchTimeout: milliseconds(0),
  resourceApiVersion: ApiVersion.V3,
};

/** Secrets from the proxy's own agent, under the cluster name that Istio gives it. */
export const AGENT_SECRET_SOURCE: ConfigSource = {
  configSourceSpecifier: {
    $case: 'apiConfigSource',
    apiConfigSource: {
      apiType: ApiConfigSource_ApiType.GRPC,
      transportApiVersion: ApiVersion.V3,
      setNodeOnFirstMessageOnly: true,
      grpcServices: [{ targetSpecifier: { $case: 'envoyGrpc', envoyGrpc: { clusterName: 'sds-grpc' } } }],
    },
  },
  initialFetchTimeout: milliseconds(0),
  resourceApiVersion: ApiVersion.V3,
};

/** A percentage, exact to a ten-thousandth. */
export function percentage(value: number): RuntimeFractionalPercent {
  return { defaultValue: { numerator: Math.round(value * 10_000), denominator: FractionalPercent_DenominatorType.MILLION } };
}

/** A matcher of Istio's string conditions. */
export function stringMatcher(match: { readonly exact?: string | undefined; readonly prefix?: string | undefined; readonly regex?: string | undefined }, ignoreCase = false): StringMatcher {
  const options = ignoreCase ? { ignoreCase } : {};
  if (match.exact !== undefined) return { matchPattern: { $case: 'exact', exact: match.exact }, ...options };
  if (match.prefix !== undefined) return { matchPattern: { $case: 'prefix', prefix: match.prefix }, ...options };
  return { matchPattern: { $case: 'safeRegex', safeRegex: { regex: match.regex ?? '' } } };
}
