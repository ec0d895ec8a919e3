// /config_dump in Envoy's shape (envoy.admin.v3.ConfigDump): bootstrap, clusters, listeners, routes, discovered filters, secrets, and endpoints on request.
import type { SecretDescription } from '../secrets/index.ts';
import { messageForm, type Configuration, type ResourceStore, type ResourceTable } from '../xds/index.ts';

type Form = Readonly<Record<string, unknown>>;

/** What is dumped. */
export interface DumpSources {
  readonly store: ResourceStore;
  readonly configuration: Configuration;
  readonly secrets: () => readonly SecretDescription[];
  /** The xDS node and addresses that the proxy started with. */
  readonly bootstrap: Form;
}

/** The dump. `resource` narrows it to one list, `nameRegex` to resources by name. */
export function configDump(sources: DumpSources, options: { readonly includeEndpoints: boolean; readonly resource?: string; readonly named?: (name: string) => boolean }): Form {
  const { store, configuration } = sources;
  const wanted = options.named ?? ((): boolean => true);
  const { warming, current } = configuration;
  const lists: Readonly<Record<string, () => Form[]>> = {
    dynamic_active_clusters: () => resources(store.clusters, 'cluster', (name) => wanted(name) && name in current.clusters),
    dynamic_warming_clusters: () => resources(store.clusters, 'cluster', (name) => wanted(name) && warming.clusters.includes(name)),
    dynamic_listeners: () => listeners(store, (name) => wanted(name), warming.listeners),
    dynamic_route_configs: () => resources(store.routes, 'route_config', wanted),
    dynamic_endpoint_configs: () => resources(store.endpoints, 'endpoint_config', wanted),
    ecds_filters: () => resources(store.extensions, 'ecds_filter', wanted),
    dynamic_active_secrets: () => sources.secrets().filter(({ name }) => wanted(name)).map((secret) => secretForm(secret, store.secrets.typeUrl)),
  };
  if (options.resource !== undefined) {
    const list = lists[options.resource];
    return { configs: list ? list().map((item) => ({ '@type': `type.googleapis.com/envoy.admin.v3.${options.resource ?? ''}`, ...item })) : [] };
  }
  const list = (name: string): Form[] => lists[name]?.() ?? [];
  return {
    configs: [
      { '@type': 'type.googleapis.com/envoy.admin.v3.BootstrapConfigDump', bootstrap: sources.bootstrap, last_updated: undefined },
      { '@type': 'type.googleapis.com/envoy.admin.v3.ClustersConfigDump', version_info: store.clusters.version, static_clusters: [], dynamic_active_clusters: list('dynamic_active_clusters'), dynamic_warming_clusters: list('dynamic_warming_clusters') },
      ...(options.includeEndpoints ? [{ '@type': 'type.googleapis.com/envoy.admin.v3.EndpointsConfigDump', version_info: store.endpoints.version, dynamic_endpoint_configs: list('dynamic_endpoint_configs') }] : []),
      { '@type': 'type.googleapis.com/envoy.admin.v3.ListenersConfigDump', version_info: store.listeners.version, static_listeners: [], dynamic_listeners: list('dynamic_listeners') },
      { '@type': 'type.googleapis.com/envoy.admin.v3.RoutesConfigDump', version_info: store.routes.version, static_route_configs: [], dynamic_route_configs: list('dynamic_route_configs') },
      ...(store.extensions.entries.size + store.extensions.refused.size > 0 ? [{ '@type': 'type.googleapis.com/envoy.admin.v3.EcdsConfigDump', ecds_filters: list('ecds_filters') }] : []),
      { '@type': 'type.googleapis.com/envoy.admin.v3.SecretsConfigDump', dynamic_active_secrets: list('dynamic_active_secrets') },
    ],
  };
}

function resources(table: ResourceTable<unknown>, field: string, wanted: (name: string) => boolean): Form[] {
  const forms: Form[] = [];
  for (const [name, { bytes, version, updated }] of table.entries) {
    if (wanted(name)) forms.push({ version_info: version, [field]: messageForm(table.typeUrl, bytes), last_updated: updated.toISOString(), ...problemOf(table, name) });
  }
  return forms;
}

/** What Envoy shows as error_state: the last refused update of a resource; and the fields that have no effect. */
function problemOf(table: ResourceTable<unknown>, name: string): Form {
  const refused = table.refused.get(name);
  const ignored = table.warnings.get(name);
  return {
    ...(refused ? { error_state: { details: refused.reason, version_info: refused.version, last_update_attempt: refused.at.toISOString() } } : {}),
    ...(ignored ? { ignored_fields: ignored } : {}),
  };
}

function listeners(store: ResourceStore, wanted: (name: string) => boolean, warming: readonly string[]): Form[] {
  const names = new Set([...store.listeners.entries.keys(), ...store.listeners.refused.keys()]);
  return [...names].filter((name) => name !== '' && wanted(name)).map((name) => {
    const entry = store.listeners.entries.get(name);
    const state = entry ? { version_info: entry.version, listener: messageForm(store.listeners.typeUrl, entry.bytes), last_updated: entry.updated.toISOString() } : undefined;
    return { name, ...(state ? { [warming.includes(name) ? 'warming_state' : 'active_state']: state } : {}), ...problemOf(store.listeners, name) };
  });
}

/** Names and dates of certificates, nothing of their keys. */
function secretForm({ name, kind, certificates, updated }: SecretDescription, typeUrl: string): Form {
  return {
    name,
    version_info: '',
    last_updated: updated.toISOString(),
    secret: {
      '@type': typeUrl,
      name,
      [kind === 'certificate' ? 'tls_certificate' : 'validation_context']: kind === 'certificate' ? { private_key: { inline_string: '[redacted]' } } : {},
      certificates: certificates.map((certificate) => ({
        subject: certificate.subject, serial_number: certificate.serialNumber, subject_alt_names: certificate.uris.map((uri) => ({ uri })),
        valid_from: certificate.notBefore.toISOString(), expiration_time: certificate.notAfter.toISOString(),
      })),
    },
  };
}
