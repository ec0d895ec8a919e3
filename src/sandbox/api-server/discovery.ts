// Discovery documents: /api, /apis, their groups and versions, and the aggregated form.
import { compareVersions } from './custom-resources.ts';
import type { Registry } from './registry.ts';
import { groupVersion, servedVersion, type ResourceInfo, type ResourceVersion } from './resource-info.ts';

/** The verbs of custom resources come in the order in which their own server lists them. */
const CUSTOM_VERBS = ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch'];
const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

interface Subresource { readonly name: string; readonly kind: string; readonly group?: string; readonly version?: string; readonly verbs: readonly string[] }

const EXTRA: Readonly<Record<string, readonly Subresource[]>> = {
  '/pods': [
    { name: 'ephemeralcontainers', kind: 'Pod', verbs: ['get', 'patch', 'update'] },
    { name: 'proxy', kind: 'PodProxyOptions', verbs: ['create', 'delete', 'get', 'patch', 'update'] },
    { name: 'resize', kind: 'Pod', verbs: ['get', 'patch', 'update'] },
    { name: 'attach', kind: 'PodAttachOptions', verbs: ['create', 'get'] },
    { name: 'binding', kind: 'Binding', verbs: ['create'] },
    { name: 'eviction', kind: 'Eviction', group: 'policy', version: 'v1', verbs: ['create'] },
    { name: 'exec', kind: 'PodExecOptions', verbs: ['create', 'get'] },
    { name: 'log', kind: 'Pod', verbs: ['get'] },
    { name: 'portforward', kind: 'PodPortForwardOptions', verbs: ['create', 'get'] },
  ],
  '/nodes': [{ name: 'proxy', kind: 'NodeProxyOptions', verbs: ['create', 'delete', 'get', 'patch', 'update'] }],
  '/services': [{ name: 'proxy', kind: 'ServiceProxyOptions', verbs: ['create', 'delete', 'get', 'patch', 'update'] }],
  '/serviceaccounts': [{ name: 'token', kind: 'TokenRequest', group: 'authentication.k8s.io', version: 'v1', verbs: ['create'] }],
  '/namespaces': [{ name: 'finalize', kind: 'Namespace', verbs: ['update'] }],
  'certificates.k8s.io/certificatesigningrequests': [{ name: 'approval', kind: 'CertificateSigningRequest', verbs: ['get', 'patch', 'update'] }],
};

/** Every subresource of a version of a resource. */
export function subresourcesOf(info: ResourceInfo, version: ResourceVersion): Subresource[] {
  const all = [
    ...(version.status ? [{ name: 'status', kind: info.kind, verbs: ['get', 'patch', 'update'] }] : []),
    ...(version.scale ? [{ name: 'scale', kind: 'Scale', group: 'autoscaling', version: 'v1', verbs: ['get', 'patch', 'update'] }] : []),
    ...(info.custom ? [] : (EXTRA[`${info.group}/${info.plural}`] ?? [])),
  ];
  return info.custom ? all : all.sort((a, b) => (a.name < b.name ? -1 : 1));
}

interface Group { readonly name: string; readonly versions: readonly string[] }

function groupsOf(registry: Registry): Group[] {
  const groups = new Map<string, Set<string>>();
  for (const info of registry.all()) {
    const versions = groups.get(info.group) ?? new Set();
    for (const version of info.versions) versions.add(version.name);
    groups.set(info.group, versions);
  }
  return [...groups].map(([name, versions]) => ({ name, versions: [...versions].sort((a, b) => compareVersions(b, a)) }));
}

function groupDocument({ name, versions }: Group): object {
  const entries = versions.map((version) => ({ groupVersion: groupVersion(name, version), version }));
  return { name, versions: entries, preferredVersion: entries[0] };
}

/** The document of /apis. */
export function groupList(registry: Registry): object {
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: groupsOf(registry).filter((group) => group.name !== '').map(groupDocument) };
}

/** The document of /apis/<group>. */
export function apiGroup(registry: Registry, name: string): object | undefined {
  const group = groupsOf(registry).find((candidate) => candidate.name === name);
  return group ? { kind: 'APIGroup', apiVersion: 'v1', ...groupDocument(group) } : undefined;
}

/** The document of /apis/<group>/<version>. */
export function resourceList(registry: Registry, group: string, version: string): object | undefined {
  const served = resourcesIn(registry, group, version);
  if (served.length === 0) return undefined;
  const resources = served.flatMap(([info, serving]) => [
    { name: info.plural, singularName: info.singular, namespaced: info.namespaced, kind: info.kind, verbs: verbsOf(info), ...listed('shortNames', info.shortNames), ...listed('categories', info.categories), ...(info.virtual ? {} : { storageVersionHash: 'sandbox' }) },
    ...subresourcesOf(info, serving).map((sub) => ({ name: `${info.plural}/${sub.name}`, singularName: '', namespaced: info.namespaced, kind: sub.kind, verbs: sub.verbs, ...(sub.group === undefined ? {} : { group: sub.group }), ...(sub.version === undefined ? {} : { version: sub.version }) })),
  ]);
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: groupVersion(group, version), resources };
}

/** Resources served in a group's version. */
export function resourcesIn(registry: Registry, group: string, version: string): [ResourceInfo, ResourceVersion][] {
  return [...registry.all()].flatMap((info): [ResourceInfo, ResourceVersion][] => {
    const serving = info.group === group ? servedVersion(info, version) : undefined;
    return serving ? [[info, serving]] : [];
  });
}

function verbsOf(info: ResourceInfo): readonly string[] {
  if (info.virtual) return ['create'];
  if (info.custom) return CUSTOM_VERBS;
  // A namespace takes all that is in it along, so each is deleted by name.
  return info.storeKey === '/namespaces' ? VERBS.filter((verb) => verb !== 'deletecollection') : VERBS;
}

/** The aggregated document (APIGroupDiscoveryList) of /api (core group) or /apis (all others). */
export function aggregatedDiscovery(registry: Registry, core: boolean, apiVersion: string): object {
  const items = groupsOf(registry).filter((group) => (group.name === '') === core).map((group) => ({
    metadata: core ? {} : { name: group.name },
    versions: group.versions.map((version) => ({ version, resources: resourcesIn(registry, group.name, version).map(([info, serving]) => describeResource(info, serving)), freshness: 'Current' })),
  }));
  return { kind: 'APIGroupDiscoveryList', apiVersion: `apidiscovery.k8s.io/${apiVersion}`, metadata: {}, items };
}

function describeResource(info: ResourceInfo, version: ResourceVersion): object {
  return {
    resource: info.plural,
    responseKind: responseKind(info, version, info.kind),
    scope: info.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: info.singular,
    verbs: verbsOf(info),
    ...listed('shortNames', info.shortNames),
    ...listed('categories', info.categories),
    ...listed('subresources', subresourcesOf(info, version).map((sub) => ({ subresource: sub.name, responseKind: sub.group === undefined ? responseKind(info, version, sub.kind) : { group: sub.group, version: sub.version ?? '', kind: sub.kind }, verbs: sub.verbs }))),
  };
}

/** The server's own kinds are those of the group and version under which they stand. */
function responseKind(info: ResourceInfo, version: ResourceVersion, kind: string): object {
  return info.custom ? { group: info.group, version: version.name, kind } : { group: '', version: '', kind };
}

function listed(name: string, values: readonly unknown[]): object {
  return values.length > 0 ? { [name]: values } : {};
}
