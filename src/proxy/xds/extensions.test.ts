// Filters whose configuration comes by itself (ECDS): what runs before it came, with it, after it changed or was refused, and when it never comes; and that it is asked for.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { packAny, TYPE_URLS } from '../../shared/xds/index.ts';
import type { ExtensionConfigSource } from '../../shared/xds/generated/envoy/config/core/v3/config_source.ts';
import { TypedExtensionConfig } from '../../shared/xds/generated/envoy/config/core/v3/extension.ts';
import { Listener } from '../../shared/xds/generated/envoy/config/listener/v3/listener.ts';
import { Cors } from '../../shared/xds/generated/envoy/extensions/filters/http/cors/v3/cors.ts';
import { HTTPFault } from '../../shared/xds/generated/envoy/extensions/filters/http/fault/v3/fault.ts';
import { Router } from '../../shared/xds/generated/envoy/extensions/filters/http/router/v3/router.ts';
import { HttpConnectionManager } from '../../shared/xds/generated/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.ts';
import type { Any } from '../../shared/xds/generated/google/protobuf/any.ts';
import { protocolFor } from './ads-protocol.ts';
import { Configuration } from './configuration.ts';
import { ResourceStore } from './resource-store.ts';

const FAULT = 'envoy.extensions.filters.http.fault.v3.HTTPFault';
const CORS = packAny('envoy.extensions.filters.http.cors.v3.Cors', Cors, {});
const WASM = 'type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm';
const abort = (httpStatus: number): Any => packAny(FAULT, HTTPFault, { abort: { errorType: { $case: 'httpStatus', httpStatus }, percentage: { numerator: 100 } } });

const listener = (source: Partial<ExtensionConfigSource>): Any => packAny('envoy.config.listener.v3.Listener', Listener, {
  name: 'l', address: { address: { $case: 'socketAddress', socketAddress: { address: '127.0.0.1', portSpecifier: { $case: 'portValue', portValue: 80 } } } },
  filterChains: [{ filters: [{ name: 'http', configType: { $case: 'typedConfig', typedConfig: packAny('envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager', HttpConnectionManager, {
    statPrefix: 'p', routeSpecifier: { $case: 'routeConfig', routeConfig: { name: 'r' } },
    httpFilters: [
      { name: 'found', configType: { $case: 'configDiscovery', configDiscovery: { configSource: { configSourceSpecifier: { $case: 'ads', ads: {} } }, typeUrls: [`type.googleapis.com/${FAULT}`, WASM, CORS.typeUrl ?? ''], ...source } } },
      { name: 'router', configType: { $case: 'typedConfig', typedConfig: packAny('envoy.extensions.filters.http.router.v3.Router', Router, {}) } },
    ],
  }) } }] }],
});

let configuration: Configuration;
afterEach(() => configuration.stop());

function setUp(warmingLimitMilliseconds = 10_000) {
  const store = new ResourceStore();
  const protocol = protocolFor(false, store, false);
  configuration = new Configuration({ store, hasSecret: () => true, warmingLimitMilliseconds, apply: () => ({ rejected: [] }) });
  store.clusters.received = true;
  const take = (typeUrl: string, ...resources: Any[]): readonly string[] => {
    const taken = protocol.take({ typeUrl, resources, versionInfo: '1', nonce: 'n' } as never);
    configuration.update();
    return taken?.problems ?? [];
  };
  return {
    listen: (source: Partial<ExtensionConfigSource> = {}) => take(TYPE_URLS.listener, listener(source)),
    extend: (typedConfig: Any) => take(TYPE_URLS.extension, packAny('envoy.config.core.v3.TypedExtensionConfig', TypedExtensionConfig, { name: 'found', typedConfig })),
    /** The filter in the place of the discovered one; undefined while the listener is not there. */
    placed: () => {
      const filter = configuration.current.listeners['l']?.filterChains[0]?.filters[0];
      return filter?.kind === 'http_connection_manager' ? filter.httpFilters[0] : undefined;
    },
  };
}

const aborting = (httpStatus: number): object => ({ name: 'found', kind: 'fault', abort: { httpStatus, grpcStatus: null, perMillion: 1_000_000 } });

describe('a discovered filter', () => {
  it('is asked for, awaited, put in place and replaced', () => {
    const { listen, extend, placed } = setUp();
    listen();
    expect([...configuration.interest().extensions]).toEqual(['found']);
    expect([configuration.warming.listeners, placed()]).toEqual([['l'], undefined]);
    expect(extend(abort(418))).toEqual([]);
    expect(placed()).toMatchObject(aborting(418));
    const { digest } = configuration.current.listeners['l'] ?? {};
    extend(abort(419));
    expect(placed()).toMatchObject(aborting(419));
    expect(configuration.current.listeners['l']?.digest).not.toBe(digest);
  });

  it('stays when its successor is refused', () => {
    const { listen, extend, placed } = setUp();
    listen();
    extend(abort(418));
    expect(extend({ typeUrl: WASM, value: new Uint8Array() })[0]).toContain('TypedExtensionConfig found: typed_config');
    expect(placed()).toMatchObject(aborting(418));
  });

  it('that is refused before any came refuses requests, unless there is a fallback', () => {
    const refusing = setUp();
    refusing.listen();
    refusing.extend({ typeUrl: WASM, value: new Uint8Array() });
    expect(refusing.placed()).toMatchObject(aborting(500));
    configuration.stop();
    const falling = setUp();
    falling.listen({ defaultConfig: CORS });
    falling.extend({ typeUrl: WASM, value: new Uint8Array() });
    expect(falling.placed()).toEqual({ name: 'found', kind: 'cors' });
  });

  it.each([['is true', [10, 2, 40, 1]], ['is the policy', [10, 2, 56, 3]]])('of WebAssembly lets requests pass where failing open %s', (_name, bytes) => {
    const { listen, extend, placed } = setUp();
    listen();
    expect(extend({ typeUrl: WASM, value: new Uint8Array(bytes) })).toEqual([]);
    expect(placed()).toEqual({ name: 'found', kind: 'rbac', rules: null, shadowRules: null });
  });

  it('of another type than the listener names is not used', () => {
    const { listen, extend, placed } = setUp();
    listen({ typeUrls: [WASM] });
    extend(abort(418));
    expect(placed()).toMatchObject(aborting(500));
  });

  it('is not awaited where its fallback may run at once', () => {
    const { listen, extend, placed } = setUp();
    listen({ defaultConfig: CORS, applyDefaultConfigWithoutWarming: true });
    expect(placed()).toEqual({ name: 'found', kind: 'cors' });
    extend(abort(418));
    expect(placed()).toMatchObject(aborting(418));
  });

  it('that never comes gives way to its fallback', async () => {
    const { listen, placed } = setUp(30);
    listen({ defaultConfig: CORS });
    expect(placed()).toBeUndefined();
    await sleep(60);
    configuration.update();
    expect(placed()).toEqual({ name: 'found', kind: 'cors' });
  });
});
