// What a request is counted as: the descriptors that the rate limits of its route, or of its virtual host, make of it.
import { isIP } from 'node:net';
import type { MetadataKeyConfig, RateLimitActionConfig, RateLimitConfig } from '../../../config/rate-limit-config.ts';
import { compileHeaderMatches, compileQueryMatches, type HeaderTest } from '../../../route/header-matcher.ts';
import { limitUnit, type LimitOverride, type RateLimitDescriptor } from '../../../service-messages/rate-limit.ts';
import type { RequestHeaders } from '../../../stream/header-map.ts';
import type { StreamInfo } from '../../../stream/stream-info.ts';
import { textOf } from '../../../service-messages/header-change.ts';
import { networkOf } from './network-of.ts';

/** What descriptors are made from. */
export interface RequestFacts {
  readonly headers: RequestHeaders;
  readonly info: StreamInfo;
  /** Address of the client that is believed. */
  readonly remoteIp: string;
  readonly sourceCluster: string;
  readonly destinationCluster: string;
}

/** One entry; `skip` leaves it out, `stop` gives the whole descriptor up. */
type Entry = { readonly key: string; readonly value: string } | 'skip' | 'stop';
type Action = (facts: RequestFacts) => Entry;

/** Makes the descriptor of one rate limit; null for none. */
export interface DescriptorMaker {
  readonly stage: number;
  make(facts: RequestFacts): RateLimitDescriptor | null;
}

/** Compiles rate limits. */
export function compileRateLimits(configs: readonly RateLimitConfig[]): readonly DescriptorMaker[] {
  return configs.map(({ stage, actions, limit }) => {
    const compiled = actions.map(compileAction);
    return {
      stage,
      make(facts) {
        const entries: { key: string; value: string }[] = [];
        for (const action of compiled) {
          const entry = action(facts);
          if (entry === 'stop') return null;
          if (entry !== 'skip') entries.push(entry);
        }
        return entries.length === 0 ? null : { entries, limit: limit ? limitIn(facts.info, limit) : null };
      },
    };
  });
}

function compileAction(action: RateLimitActionConfig): Action {
  switch (action.kind) {
    case 'source_cluster': return ({ sourceCluster }) => ({ key: 'source_cluster', value: sourceCluster });
    case 'destination_cluster': return ({ destinationCluster }) => ({ key: 'destination_cluster', value: destinationCluster });
    case 'remote_address': return ({ remoteIp }) => (isIP(remoteIp) === 0 ? 'stop' : { key: 'remote_address', value: remoteIp });
    case 'masked_remote_address': return ({ remoteIp }) => {
      const version = isIP(remoteIp);
      return version === 0 ? 'stop' : { key: 'masked_remote_address', value: networkOf(remoteIp, version === 4 ? action.version4Bits : action.version6Bits) };
    };
    case 'generic_key': return () => ({ key: action.key, value: action.value });
    case 'request_headers': return ({ headers }) => {
      const value = headers.get(action.name);
      if (value === undefined) return action.skipIfAbsent ? 'skip' : 'stop';
      return { key: action.key, value: textOf(value) };
    };
    case 'header_value_match': {
      const matches: HeaderTest = compileHeaderMatches(action.headers);
      return ({ headers }) => (matches(headers) === action.expectMatch ? { key: action.key, value: action.value } : 'stop');
    }
    case 'query_parameter_value_match': {
      const matches = compileQueryMatches(action.parameters) ?? ((): boolean => true);
      return ({ headers }) => (matches(headers.path) === action.expectMatch ? { key: action.key, value: action.value } : 'stop');
    }
    case 'metadata': return ({ info }) => {
      const found = metadataAt(info, action.metadata);
      const value = typeof found === 'string' && found !== '' ? found : action.defaultValue;
      if (value === '') return action.skipIfAbsent ? 'skip' : 'stop';
      return { key: action.key, value };
    };
  }
}

function metadataAt(info: StreamInfo, { filter, path }: MetadataKeyConfig): unknown {
  let value: unknown = info.dynamicMetadata.get(filter);
  for (const key of path) {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, key)) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[key];
  }
  return value;
}

/** A limit in metadata: `{ requests_per_unit, unit }`. */
function limitIn(info: StreamInfo, key: MetadataKeyConfig): LimitOverride | null {
  const value = metadataAt(info, key);
  if (typeof value !== 'object' || value === null) return null;
  const { requests_per_unit: requestsPerUnit, unit } = value as Readonly<Record<string, unknown>>;
  if (typeof requestsPerUnit !== 'number' || !(requestsPerUnit >= 0) || typeof unit !== 'string' || limitUnit(unit) === undefined) return null;
  return { requestsPerUnit: Math.floor(requestsPerUnit), unit };
}
