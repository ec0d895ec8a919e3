// Extension configurations that come by themselves (ECDS, envoy.config.core.v3.TypedExtensionConfig): HTTP filters that listeners name. Called by the xDS client for each, and where listeners are put together.
import { BinaryReader } from '@bufbuild/protobuf/wire';
import type { Issue, Result } from '../../shared/lib/index.ts';
import type { TypedExtensionConfig } from '../../shared/xds/generated/envoy/config/core/v3/extension.ts';
import { digestOf } from './digest.ts';
import type { DiscoveredFilterConfig, ExtensionConfig, HttpFilterConfig } from './http-filter-config.ts';
import { Findings } from './findings.ts';
import { compileHttpFilter } from './http-filters.ts';
import type { FilterChainConfig, ListenerConfig } from './runtime-config.ts';
import { typedConfig, type TypedConfig } from './typed-struct.ts';

const WASM = 'envoy.extensions.filters.http.wasm.v3.Wasm';
/** Field numbers and a value of Wasm's configuration, whose messages are not generated since nothing else of them is read. */
const PLUGIN = 1;
const FAIL_OPEN = 5;
const FAILURE_POLICY = 7;
const POLICY_FAIL_OPEN = 3;

/** An ECDS resource. */
export function compileExtension(message: TypedExtensionConfig, warnings?: Issue[]): Result<ExtensionConfig, Issue[]> {
  const name = message.name ?? '';
  const findings = new Findings('TypedExtensionConfig', name);
  if (name === '') findings.refuse('name', 'A name is needed.');
  const config = typedConfig(message.typedConfig);
  const inbound = filterOf(name, config, findings, 'inbound');
  const outbound = filterOf(name, config, new Findings('TypedExtensionConfig', name), 'outbound');
  return findings.result({ type: config.type, inbound, outbound, digest: digestOf([inbound, outbound]) }, warnings);
}

/** As Istio's agent does where a plugin cannot be had: one that fails open lets everything pass, any other one is refused. */
function filterOf(name: string, config: TypedConfig, findings: Findings, direction: ListenerConfig['direction']): HttpFilterConfig {
  const passing: HttpFilterConfig = { name, kind: 'rbac', rules: null, shadowRules: null };
  if (config.type === WASM && failsOpen(config.bytes)) {
    findings.ignore('typed_config', 'WebAssembly is not run by this proxy; the plugin fails open, so requests pass without it.');
    return passing;
  }
  const filter = compileHttpFilter(name, config, 'typed_config', findings, direction);
  if (!filter) findings.refuse('typed_config', `HTTP filter ${JSON.stringify(name)} of type ${JSON.stringify(config.type)} is not supported by this proxy.`);
  return filter ?? passing;
}

function failsOpen(bytes: Uint8Array): boolean {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag >>> 3 === PLUGIN) return pluginFailsOpen(new BinaryReader(reader.bytes()));
    reader.skip(tag & 7);
  }
  return false;
}

function pluginFailsOpen(reader: BinaryReader): boolean {
  let open = false;
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag === FAIL_OPEN << 3) open ||= reader.bool();
    else if (tag === FAILURE_POLICY << 3) open ||= reader.int32() === POLICY_FAIL_OPEN;
    else reader.skip(tag & 7);
  }
  return open;
}

/** Names of the extension configurations that a listener asks for, with whether it waits for each. */
export function extensionsOfListener(listener: ListenerConfig): readonly { readonly name: string; readonly awaited: boolean }[] {
  return discoveredFilters(listener).map(({ name, withoutWarming, fallback }) => ({ name, awaited: !withoutWarming || fallback === null }));
}

/** A listener with what was discovered in its place. A configuration that did not come, or is of another type, gives way to the filter's own fallback; without one, requests are refused. */
export function withExtensions(listener: ListenerConfig, extensions: ReadonlyMap<string, ExtensionConfig | null>): ListenerConfig {
  const discovered = discoveredFilters(listener);
  if (discovered.length === 0) return listener;
  const place = (filter: HttpFilterConfig): HttpFilterConfig => (filter.kind === 'discovered' ? placed(filter, extensions.get(filter.name) ?? null, listener.direction) : filter);
  const chain = (config: FilterChainConfig): FilterChainConfig => ({ ...config, filters: config.filters.map((filter) => (filter.kind === 'http_connection_manager' ? { ...filter, httpFilters: filter.httpFilters.map(place) } : filter)) });
  return {
    ...listener, filterChains: listener.filterChains.map(chain), defaultFilterChain: listener.defaultFilterChain && chain(listener.defaultFilterChain),
    digest: digestOf([listener.digest, ...discovered.map(({ name }) => extensions.get(name)?.digest ?? '')]),
  };
}

function placed(filter: DiscoveredFilterConfig & { readonly name: string }, extension: ExtensionConfig | null, direction: ListenerConfig['direction']): HttpFilterConfig {
  if (extension && filter.types.includes(extension.type)) return direction === 'inbound' ? extension.inbound : extension.outbound;
  // As Envoy answers where a filter has no configuration.
  return filter.fallback ?? { name: filter.name, kind: 'fault', delay: null, abort: { httpStatus: 500, grpcStatus: null, perMillion: 1_000_000 }, headers: [], maximumActive: null };
}

function discoveredFilters({ filterChains, defaultFilterChain }: ListenerConfig): readonly (DiscoveredFilterConfig & { readonly name: string })[] {
  return [...filterChains, ...(defaultFilterChain ? [defaultFilterChain] : [])].flatMap((chain) => chain.filters)
    .flatMap((filter) => (filter.kind === 'http_connection_manager' ? filter.httpFilters : [])).filter((filter) => filter.kind === 'discovered');
}
