// The resources that the control plane sent, by type and name: compiled ones in force, their bytes and version for the config dump, and
// why others were refused. As in Envoy, the good resources of a response are taken even when others of it are refused.
import { formatIssue, type Issue, type Result } from '../../shared/lib/index.ts';
import { TYPE_URLS, type ResourceTypeUrl } from '../../shared/xds/index.ts';
import { Cluster } from '../../shared/xds/generated/envoy/config/cluster/v3/cluster.ts';
import { ClusterLoadAssignment } from '../../shared/xds/generated/envoy/config/endpoint/v3/endpoint.ts';
import { TypedExtensionConfig } from '../../shared/xds/generated/envoy/config/core/v3/extension.ts';
import { Listener } from '../../shared/xds/generated/envoy/config/listener/v3/listener.ts';
import { RouteConfiguration } from '../../shared/xds/generated/envoy/config/route/v3/route.ts';
import { Secret } from '../../shared/xds/generated/envoy/extensions/transport_sockets/tls/v3/secret.ts';
import { NameTable } from '../../shared/xds/generated/istio/name_table.ts';
import type { Any } from '../../shared/xds/generated/google/protobuf/any.ts';
import {
  compileCluster, compileEndpoints, compileExtension, compileListener, compileNameTable, compileRoute, compileSecret, NAME_TABLE, type ClusterConfig, type EndpointsConfig, type ExtensionConfig, type ListenerConfig, type NameTableConfig, type RouteConfig, type SecretConfig,
} from '../config/index.ts';

/** A resource in force. */
export interface StoredResource<T> {
  readonly config: T;
  /** Its bytes; empty for secrets, which are not kept. */
  readonly bytes: Uint8Array;
  readonly version: string;
  readonly updated: Date;
}

/** A resource that was refused; what was in force under its name still is. */
export interface RefusedResource {
  readonly typeUrl: string;
  readonly name: string;
  readonly version: string;
  readonly reason: string;
  readonly at: Date;
}

/** Decodes and compiles the bytes of one type; throws when they do not decode. */
type Compile<T> = (bytes: Uint8Array, warnings: Issue[]) => { readonly name: string; readonly result: Result<T, Issue[]> };

/** The resources of one type. */
export class ResourceTable<T> {
  readonly typeUrl: string;
  readonly entries = new Map<string, StoredResource<T>>();
  readonly refused = new Map<string, RefusedResource>();
  /** Fields without effect, by resource. */
  readonly warnings = new Map<string, readonly string[]>();
  /** Whether a response has come. */
  received = false;
  /** Version of the newest response as a whole: the control plane's number for the snapshot behind it. */
  version = '';
  readonly #compile: Compile<T>;
  readonly #keepBytes: boolean;

  constructor(typeUrl: string, compile: Compile<T>, keepBytes = true) {
    this.typeUrl = typeUrl;
    this.#compile = compile;
    this.#keepBytes = keepBytes;
  }

  /** Takes one resource; returns its name and why it was refused, if it was. */
  take(any: Any, version: string): { readonly name: string; readonly problem: string | undefined } {
    const bytes = any.value ?? new Uint8Array();
    if (any.typeUrl !== this.typeUrl) return { name: '', problem: `a resource of type ${any.typeUrl ?? '(none)'} came where ${this.typeUrl} was expected` };
    let name = '';
    let problem: string;
    try {
      const warnings: Issue[] = [];
      const compiled = this.#compile(bytes, warnings);
      ({ name } = compiled);
      if (compiled.result.ok) {
        this.#accept(name, { config: compiled.result.value, bytes: this.#keepBytes ? bytes : new Uint8Array(), version, updated: new Date() }, warnings);
        return { name, problem: undefined };
      }
      problem = compiled.result.error.map(formatIssue).join('; ');
    } catch (error) {
      problem = `a resource does not decode: ${error instanceof Error ? error.message : String(error)}`;
    }
    this.refused.set(name, { typeUrl: this.typeUrl, name, version, reason: problem, at: new Date() });
    return { name, problem };
  }

  delete(name: string): void {
    this.entries.delete(name);
    this.refused.delete(name);
    this.warnings.delete(name);
  }

  /** Removes what is neither in `names` nor has been refused under one of them. */
  keepOnly(names: ReadonlySet<string>): void {
    for (const name of [...this.entries.keys(), ...this.refused.keys()]) if (!names.has(name)) this.delete(name);
  }

  /** Compiled resources by name. */
  configs(): ReadonlyMap<string, T> {
    return new Map([...this.entries].map(([name, { config }]) => [name, config]));
  }

  #accept(name: string, resource: StoredResource<T>, warnings: readonly Issue[]): void {
    this.entries.set(name, resource);
    this.refused.delete(name);
    if (warnings.length > 0) this.warnings.set(name, warnings.map(formatIssue));
    else this.warnings.delete(name);
  }
}

/** The way from bytes to a compiled resource. */
function by<M, T>(codec: { decode(bytes: Uint8Array): M }, name: (message: M) => string | undefined, compile: (message: M, warnings: Issue[]) => Result<T, Issue[]>): Compile<T> {
  return (bytes, warnings) => {
    const message = codec.decode(bytes);
    return { name: name(message) ?? '', result: compile(message, warnings) };
  };
}

/** All types that the proxy asks for. */
export class ResourceStore {
  readonly clusters = new ResourceTable<ClusterConfig>(TYPE_URLS.cluster, by(Cluster, (message) => message.name, compileCluster));
  readonly endpoints = new ResourceTable<EndpointsConfig>(TYPE_URLS.endpoint, by(ClusterLoadAssignment, (message) => message.clusterName, compileEndpoints));
  readonly listeners = new ResourceTable<ListenerConfig>(TYPE_URLS.listener, by(Listener, (message) => message.name, compileListener));
  readonly routes = new ResourceTable<RouteConfig>(TYPE_URLS.route, by(RouteConfiguration, (message) => message.name, compileRoute));
  readonly secrets = new ResourceTable<SecretConfig>(TYPE_URLS.secret, by(Secret, (message) => message.name, compileSecret), false);

  readonly extensions = new ResourceTable<ExtensionConfig>(TYPE_URLS.extension, by(TypedExtensionConfig, (message) => message.name, compileExtension));
  readonly nameTables = new ResourceTable<NameTableConfig>(TYPE_URLS.nameTable, by(NameTable, () => NAME_TABLE, compileNameTable));

  /** The table of a type URL. */
  table(typeUrl: string): ResourceTable<ClusterConfig> | ResourceTable<EndpointsConfig> | ResourceTable<ListenerConfig> | ResourceTable<RouteConfig> | ResourceTable<SecretConfig> | ResourceTable<ExtensionConfig> | ResourceTable<NameTableConfig> | undefined {
    return { [TYPE_URLS.cluster]: this.clusters, [TYPE_URLS.endpoint]: this.endpoints, [TYPE_URLS.listener]: this.listeners, [TYPE_URLS.route]: this.routes, [TYPE_URLS.secret]: this.secrets, [TYPE_URLS.extension]: this.extensions, [TYPE_URLS.nameTable]: this.nameTables }[typeUrl as ResourceTypeUrl];
  }

  /** Every refusal in force. */
  refusals(): readonly RefusedResource[] {
    return [this.clusters, this.endpoints, this.listeners, this.routes, this.secrets, this.extensions, this.nameTables].flatMap((table) => [...table.refused.values()]);
  }
}
