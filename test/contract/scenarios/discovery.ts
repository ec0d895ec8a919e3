// What a server says of itself: versions, health, groups and resources, and the OpenAPI documents.
import type { Answer, CallOptions } from '../api-endpoint.ts';
import type { ScenarioApi, Scenario } from '../scenario.ts';

const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

/** Kinds that Kubernetes serves and the sandbox has no use for; each is left out of what is compared. */
const LEFT_OUT: ReadonlySet<string> = new Set([
  'bindings', 'componentstatuses', 'persistentvolumes', 'podtemplates', 'csidrivers', 'csinodes', 'csistoragecapacities', 'volumeattachments', 'volumeattributesclasses', 'runtimeclasses', 'apiservices', 'flowschemas', 'prioritylevelconfigurations',
  'validatingadmissionpolicies', 'validatingadmissionpolicybindings', 'mutatingadmissionpolicies', 'mutatingadmissionpolicybindings', 'ipaddresses', 'servicecidrs', 'deviceclasses', 'resourceclaims', 'resourceclaimtemplates', 'resourceslices', 'clustertrustbundles', 'podcertificaterequests', 'storageversionmigrations', 'workloads', 'podgroups',
]);
const GROUPS = ['apps', 'batch', 'autoscaling', 'policy', 'networking.k8s.io', 'rbac.authorization.k8s.io', 'coordination.k8s.io', 'discovery.k8s.io', 'events.k8s.io', 'admissionregistration.k8s.io', 'apiextensions.k8s.io', 'authentication.k8s.io', 'authorization.k8s.io', 'certificates.k8s.io', 'scheduling.k8s.io', 'storage.k8s.io'];
const AGGREGATED = (version: string): CallOptions => ({ headers: { accept: `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList` } });

interface Listed { readonly name: string; readonly singularName: string }

const byName = (a: Listed, b: Listed): number => (a.name < b.name ? -1 : 1);
const without = (resources: readonly Listed[]): Listed[] => resources.filter(({ name }) => !LEFT_OUT.has(name.split('/')[0] ?? '')).toSorted(byName);

/** Two versions of a definition with everything that discovery shows. */
async function installBoats(api: ScenarioApi, names: readonly string[] = ['v1', 'v1beta1']): Promise<void> {
  const properties = { spec: { type: 'object', description: 'What is wanted.', required: ['sails'], properties: { sails: { type: 'integer', format: 'int32', minimum: 0, description: 'How many.' }, crew: { type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'], items: { type: 'object', required: ['name'], properties: { name: { type: 'string' } } } }, either: { 'x-kubernetes-int-or-string': true }, anything: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }, nothing: { type: 'string', nullable: true }, color: { type: 'string', enum: ['red', 'blue'], default: 'red' } } }, status: { type: 'object', properties: { afloat: { type: 'boolean' } } } };
  const versions = names.map((name, index) => ({ name, served: true, storage: index === 0, schema: { openAPIV3Schema: { type: 'object', description: 'A Boat floats.', properties } }, subresources: { status: {}, scale: { specReplicasPath: '.spec.sails', statusReplicasPath: '.status.sails' } } }));
  await api.quiet('POST', CRDS, { metadata: { name: 'boats.{ns}.test' }, spec: { group: '{ns}.test', scope: 'Namespaced', names: { plural: 'boats', singular: 'boat', kind: 'Boat', listKind: 'BoatList', shortNames: ['bt'], categories: ['fleet'] }, versions } });
  api.onEnd(async () => api.quiet('DELETE', `${CRDS}/boats.{ns}.test`));
  for (const name of names) for (let left = 200; left > 0 && (await api.quiet('GET', `/apis/{ns}.test/${name}/namespaces/{ns}/boats`)).code !== 200; left -= 1) await new Promise((resolve) => { setTimeout(resolve, 50); });
}

/** Asks until an answer is content; for documents that a server makes anew in the background. */
async function settled(api: ScenarioApi, path: string, holds: (answer: Answer) => boolean, options: CallOptions = {}): Promise<Answer> {
  for (let left = 300; ; left -= 1) {
    const answer = await api.quiet('GET', path, undefined, options);
    // The index of OpenAPI is JSON that calls itself text.
    const body: unknown = typeof answer.body === 'string' ? JSON.parse(answer.body) : answer.body;
    if ((answer.code === 200 && holds({ ...answer, body })) || left === 0) return { ...answer, body };
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  }
}

const discovery: Scenario = {
  name: 'discovery',
  run: async (api) => {
    const core = await api.quiet('GET', '/api');
    api.transcript.note('/api', { ...core.body, serverAddressByClientCIDRs: core.body.serverAddressByClientCIDRs?.map(({ clientCIDR }: { clientCIDR: string }) => clientCIDR) });
    await installBoats(api);
    const groups = await settled(api, '/apis', ({ body }) => body.groups.some(({ name }: { name: string }) => name === `${api.namespace}.test`));
    const known = new Set([...GROUPS, `${api.namespace}.test`]);
    api.transcript.note('/apis', { ...groups.body, groups: groups.body.groups.filter(({ name }: { name: string }) => known.has(name)).toSorted(byName) });
    for (const group of GROUPS) await api.get(`/apis/${group}`);
    for (const path of ['/api/v1', ...GROUPS.map((group) => `/apis/${group}/${group === 'autoscaling' ? 'v2' : 'v1'}`)]) {
      const { code, body } = await api.quiet('GET', path);
      for (const resource of without(body.resources)) api.transcript.note(`${path} ${resource.name}`, { code, ...resource });
    }
    for (const path of ['/apis/{ns}.test', '/apis/{ns}.test/v1', '/apis/{ns}.test/v1beta1', '/apis/{ns}.test/v3', '/apis/none.example.com', '/apis/none.example.com/v1', '/apis/apps/v7', '/api/v7', '/api/', '/apis/', '/apis/apps/', '/api/v1/']) {
      const answer = await api.quiet('GET', path);
      if (answer.code === 404 || path.includes('{ns}')) api.transcript.record(`GET ${path}`, answer);
      else api.transcript.note(path, { code: answer.code, kind: answer.body?.kind });
    }
    const all = await settled(api, '/apis', ({ body }) => body.items.some(({ metadata }: { metadata: { name: string } }) => metadata.name === `${api.namespace}.test`), AGGREGATED('v2'));
    const items = all.body.items as { metadata: { name: string }; versions: { version: string; freshness: string; resources: { resource: string }[] }[] }[];
    api.transcript.note('aggregated', { type: all.headers['content-type'], kind: all.body.kind, apiVersion: all.body.apiVersion, metadata: all.body.metadata });
    api.transcript.note('aggregated: the definition\'s', items.find(({ metadata }) => metadata.name === `${api.namespace}.test`));
    for (const item of items.filter(({ metadata }) => GROUPS.includes(metadata.name)).toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))) {
      const [first] = item.versions.filter(({ version }) => version === 'v1' || version === 'v2');
      api.transcript.note(`aggregated ${item.metadata.name}`, { metadata: item.metadata, version: first?.version, freshness: first?.freshness, resources: first?.resources.filter(({ resource }) => !LEFT_OUT.has(resource)).toSorted((a, b) => (a.resource < b.resource ? -1 : 1)) });
    }
    const core1 = await api.quiet('GET', '/api', undefined, AGGREGATED('v2'));
    const resources = core1.body.items[0].versions[0].resources as { resource: string }[];
    api.transcript.note('aggregated /api', { type: core1.headers['content-type'], kind: core1.body.kind, metadata: core1.body.items[0].metadata, version: core1.body.items[0].versions[0].version });
    for (const resource of resources.filter(({ resource: name }) => !LEFT_OUT.has(name)).toSorted((a, b) => (a.resource < b.resource ? -1 : 1))) api.transcript.note(`aggregated /api ${resource.resource}`, resource);
    await api.get('/apis', AGGREGATED('v2beta1'));
    const tag = async (path: string, options: CallOptions) => {
      const first = await api.quiet('GET', path, undefined, options);
      const again = await api.quiet('GET', path, undefined, { headers: { ...options.headers, 'if-none-match': String(first.headers['etag']) } });
      const other = await api.quiet('GET', path, undefined, { headers: { ...options.headers, 'if-none-match': '"other"' } });
      api.transcript.note(`etag of ${path} ${options.headers?.['accept'] ?? ''}`, { first: first.code, hasTag: first.headers['etag'] !== undefined, isQuoted: /^"[^"]+"$/.test(String(first.headers['etag'])), vary: first.headers['vary'], again: again.code, other: other.code, cache: first.headers['cache-control'] });
    };
    await tag('/apis', AGGREGATED('v2'));
    await tag('/api', AGGREGATED('v2'));
    await tag('/apis', {});
    await tag('/apis/apps/v1', {});
    const fallback = await api.quiet('GET', '/apis', undefined, { headers: { accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json' } });
    api.transcript.note('the three forms that clients ask for', { type: fallback.headers['content-type'], kind: fallback.body.kind });
    const future = await api.quiet('GET', '/apis', undefined, { headers: { accept: 'application/json;g=apidiscovery.k8s.io;v=v9;as=APIGroupDiscoveryList,application/json' } });
    api.transcript.note('a form that is unknown, then JSON', { code: future.code, type: future.headers['content-type'], kind: future.body.kind });
    await api.get('/apis', { headers: { accept: 'application/json;g=apidiscovery.k8s.io;v=v9;as=APIGroupDiscoveryList' } });
    await api.quiet('DELETE', `${CRDS}/boats.{ns}.test`);
    const gone = await settled(api, '/apis', ({ body }) => !body.groups.some(({ name }: { name: string }) => name === `${api.namespace}.test`));
    api.transcript.note('after the definition', gone.body.groups.some(({ name }: { name: string }) => name === `${api.namespace}.test`));
    await api.until('/apis/{ns}.test/v1', ({ code }) => code === 404);
  },
};

type Schemas = Record<string, Record<string, any>>;

/** Which operations a path has, and with which parameters. */
function operations(paths: Record<string, Record<string, any>>, prefix: string): unknown {
  return Object.fromEntries(Object.entries(paths).filter(([path]) => path.startsWith(prefix)).map(([path, item]) => [path, Object.fromEntries(Object.entries(item).filter(([method]) => method !== 'parameters').map(([method, { parameters = [], ...operation }]) => [method, { action: operation['x-kubernetes-action'], kind: operation['x-kubernetes-group-version-kind'], parameters: parameters.map(({ name }: { name: string }) => name).toSorted() }]))]));
}

/** The index, and the document of the definition's group by the address that the index gives. */
async function openApiIndex(api: ScenarioApi, own: string): Promise<Answer> {
  const index = await settled(api, '/openapi/v3', ({ body }) => body.paths[own] !== undefined);
  api.transcript.note('/openapi/v3', { type: index.headers['content-type'], url: String(index.body.paths[own].serverRelativeURL).replace(/hash=[0-9A-F]{128}$/, 'hash=<hash>'), has: ['api', 'apis', 'version', 'api/v1', 'apis/apps', 'apis/apps/v1', '.well-known/openid-configuration', 'openid/v1/jwks', `apis/${api.namespace}.test`].filter((path) => index.body.paths[path] !== undefined) });
  const hashed = await api.quiet('GET', String(index.body.paths[own].serverRelativeURL));
  api.transcript.note('with its hash', { code: hashed.code, cache: hashed.headers['cache-control'], expires: hashed.headers['expires'] !== undefined, hasTag: /^"[0-9A-F]+"$/.test(String(hashed.headers['etag'])), vary: hashed.headers['vary'] });
  const stale = await api.quiet('GET', `/openapi/v3/${own}?hash=ABC`);
  api.transcript.note('with another hash', { code: stale.code, location: String(stale.headers['location']).replace(/hash=[0-9A-F]{128}$/, 'hash=<hash>') });
  const plain = await settled(api, `/openapi/v3/${own}`, ({ body }) => body.components !== undefined);
  api.transcript.note('without a hash', { code: plain.code, cache: plain.headers['cache-control'], type: plain.headers['content-type'] });
  const unchanged = await api.quiet('GET', `/openapi/v3/${own}`, undefined, { headers: { 'if-none-match': String(plain.headers['etag']) } });
  api.transcript.note('with the tag', unchanged.code);
  return plain;
}

/** What the document says of the definition. */
function definitionDocument(api: ScenarioApi, plain: Answer): void {
  const { schemas } = plain.body.components as { schemas: Schemas };
  const mine = Object.keys(schemas).filter((name) => name.startsWith('test.')).sort();
  api.transcript.note('document', { openapi: plain.body.openapi, title: typeof plain.body.info.title, schemas: Object.keys(schemas).sort() });
  for (const name of mine) {
    const { properties, ...rest } = schemas[name] ?? {};
    const { description: _words, ...shown } = rest;
    api.transcript.note(`schema ${name}`, shown);
    for (const [field, schema] of Object.entries((properties ?? {}) as Record<string, Record<string, unknown>>)) api.transcript.note(`schema ${name}.${field}`, ['spec', 'status'].includes(field) ? schema : { ...schema, description: typeof schema['description'] });
  }
  api.transcript.note('operations', operations(plain.body.paths, `/apis/${api.namespace}.test/v1/`));
}

/** What a document says of built-in kinds. */
async function builtInDocument(api: ScenarioApi): Promise<void> {
  const apps = await api.quiet('GET', '/openapi/v3/apis/apps/v1');
  const deployment = apps.body.components.schemas['io.k8s.api.apps.v1.Deployment'];
  api.transcript.note('a Deployment', { required: deployment?.required, kind: deployment?.['x-kubernetes-group-version-kind'], fields: Object.keys(deployment?.properties ?? {}).sort(), spec: deployment?.properties?.spec?.allOf ?? deployment?.properties?.spec?.$ref });
  const containers = apps.body.components.schemas['io.k8s.api.core.v1.PodSpec']?.properties.containers ?? {};
  api.transcript.note('containers of a pod', { type: containers.type, key: containers['x-kubernetes-patch-merge-key'], strategy: containers['x-kubernetes-patch-strategy'], list: containers['x-kubernetes-list-type'], items: containers.items });
  api.transcript.note('operations on Deployments', operations(apps.body.paths, '/apis/apps/v1/namespaces/{namespace}/deployments'));
}

/** The document of version 2. */
async function openApiTwo(api: ScenarioApi): Promise<void> {
  const two = await settled(api, '/openapi/v2', ({ body }) => Object.keys(body.definitions).some((name) => name.startsWith('test.')));
  const { definitions } = two.body as { definitions: Schemas };
  api.transcript.note('/openapi/v2', { swagger: two.body.swagger, type: two.headers['content-type'], definitions: Object.keys(definitions).filter((name) => name.startsWith('test.')).sort(), hasTag: /^"[0-9A-F]+"$/.test(String(two.headers['etag'])), vary: two.headers['vary'] });
  const boat = definitions[Object.keys(definitions).find((name) => name.startsWith('test.') && name.endsWith('.Boat')) ?? ''];
  api.transcript.note('definition of Boat', { ...boat, properties: { spec: boat?.['properties'].spec, status: boat?.['properties'].status, metadata: { $ref: boat?.['properties'].metadata.$ref } }, 'x-kubernetes-group-version-kind': boat?.['x-kubernetes-group-version-kind'] });
  const again = await api.quiet('GET', '/openapi/v2', undefined, { headers: { 'if-none-match': String(two.headers['etag']) } });
  api.transcript.note('/openapi/v2 with its tag', again.code);
  for (const accept of ['application/com.github.proto-openapi.spec.v2@v1.0+protobuf', 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf', 'text/plain', '*/*', 'application/yaml']) {
    const answer = await api.quiet('GET', '/openapi/v2', undefined, { headers: { accept } });
    api.transcript.note(`/openapi/v2 as ${accept}`, { code: answer.code, type: answer.headers['content-type'] });
  }
}

const openapi: Scenario = {
  name: 'openapi',
  run: async (api) => {
    await installBoats(api, ['v1']);
    const own = `apis/${api.namespace}.test/v1`;
    definitionDocument(api, await openApiIndex(api, own));
    await builtInDocument(api);
    for (const path of ['/openapi/v3/apis/none/v1', '/openapi/v3/nonsense', '/openapi/v4']) await api.get(path);
    for (const accept of ['text/plain', 'application/yaml']) {
      const answer = await api.quiet('GET', `/openapi/v3/${own}`, undefined, { headers: { accept } });
      api.transcript.note(`/openapi/v3 as ${accept}`, answer.code);
    }
    for (const accept of ['application/json', 'application/com.github.proto-openapi.spec.v3.v1.0+protobuf', 'application/com.github.proto-openapi.spec.v3@v1.0+protobuf']) {
      const answer = await api.quiet('GET', '/openapi/v3/apis/apps/v1', undefined, { headers: { accept } });
      api.transcript.note(`/openapi/v3 as ${accept}`, { code: answer.code, type: answer.headers['content-type'] });
    }
    await openApiTwo(api);
  },
};

const system: Scenario = {
  name: 'system',
  run: async (api) => {
    const version = await api.quiet('GET', '/version');
    api.transcript.note('/version', { code: version.code, type: version.headers['content-type'], fields: Object.keys(version.body).filter((name) => !/^(emulation|minCompatibility)/.test(name)).sort(), major: version.body.major });
    for (const path of ['/healthz', '/livez', '/readyz', '/healthz/ping', '/livez/ping', '/readyz/ping', '/healthz/none', '/livez?exclude=ping', '/readyz/shutdown', '/readyz/etcd', '/livez/etcd', '/healthz/etcd']) {
      const answer = await api.quiet('GET', path, undefined, { headers: { accept: '*/*' } });
      api.transcript.note(path, { code: answer.code, type: answer.headers['content-type'], sniff: answer.headers['x-content-type-options'], cache: answer.headers['cache-control'], body: answer.body });
    }
    for (const path of ['/healthz?verbose', '/livez?verbose', '/readyz?verbose', '/livez?verbose=true&exclude=etcd']) {
      const lines = String((await api.quiet('GET', path, undefined, { headers: { accept: '*/*' } })).body).trim().split('\n');
      api.transcript.note(path, { first: lines[0], last: lines.at(-1), allHold: lines.slice(0, -1).every((line) => /^\[\+\][\w./-]+ (ok|excluded: ok)$/.test(line)), has: ['etcd', 'ping', 'log', 'shutdown'].filter((name) => lines.some((line) => line.startsWith(`[+]${name} `))) });
    }
    const unknown = await api.quiet('GET', '/livez?verbose&exclude=nonsense', undefined, { headers: { accept: '*/*' } });
    api.transcript.note('an unknown exclusion', { code: unknown.code, warning: String(unknown.body).split('\n').find((line) => line.startsWith('warn')) });
    for (const [method, path] of [['POST', '/version'], ['DELETE', '/healthz'], ['POST', '/api'], ['PUT', '/apis/apps/v1'], ['OPTIONS', '/version'], ['HEAD', '/healthz'], ['HEAD', '/version'], ['GET', '/version/'], ['GET', '/healthz/'], ['POST', '/openapi/v2']] as const) {
      const answer = await api.quiet(method, path);
      api.transcript.note(`${method} ${path}`, { code: answer.code, type: answer.headers['content-type'], allow: answer.headers['allow'], message: answer.body?.message });
    }
    const index = await api.quiet('GET', '/');
    const paths = new Set(index.body.paths as string[]);
    api.transcript.note('GET /', { code: index.code, has: ['/api', '/api/v1', '/apis', '/apis/', '/apis/apps', '/apis/apps/v1', '/healthz', '/healthz/ping', '/livez', '/readyz', '/openapi/v2', '/openapi/v3', '/version', '/metrics', '/openid/v1/jwks', '/.well-known/openid-configuration'].filter((path) => paths.has(path)) });
    const keys = await api.quiet('GET', '/openid/v1/jwks', undefined, { headers: { accept: '*/*' } });
    api.transcript.note('/openid/v1/jwks', { code: keys.code, type: keys.headers['content-type'], cache: keys.headers['cache-control'], keys: (typeof keys.body === 'object' && !Buffer.isBuffer(keys.body) ? keys.body : JSON.parse(String(keys.body))).keys.map((key: object) => Object.keys(key).sort()) });
    const issuer = await api.quiet('GET', '/.well-known/openid-configuration', undefined, { headers: { accept: '*/*' } });
    api.transcript.note('/.well-known/openid-configuration', { code: issuer.code, type: issuer.headers['content-type'], cache: issuer.headers['cache-control'], fields: Object.keys(issuer.body).sort(), issuer: issuer.body.issuer, types: issuer.body.subject_types_supported, algorithms: issuer.body.id_token_signing_alg_values_supported });
    const metrics = await api.quiet('GET', '/metrics', undefined, { headers: { accept: '*/*' } });
    api.transcript.note('/metrics', { code: metrics.code, type: String(metrics.headers['content-type']).split(';')[0], has: ['apiserver_request_total', 'process_resident_memory_bytes'].filter((name) => String(metrics.body).includes(`# TYPE ${name}`)) });
    const answer = await api.quiet('GET', '/api/v1/namespaces/{ns}');
    api.transcript.note('headers of an answer', { flow: answer.headers['x-kubernetes-pf-flowschema-uid'] !== undefined, audit: /^[0-9a-f-]{36}$/.test(String(answer.headers['audit-id'])), cache: answer.headers['cache-control'], vary: answer.headers['vary'] });
    const audited = await api.quiet('GET', '/api/v1/namespaces/{ns}', undefined, { headers: { 'audit-id': 'mine' } });
    api.transcript.note('a given audit id', audited.headers['audit-id']);
  },
};

/** Scenarios of what a server says of itself. */
export const DISCOVERY_SCENARIOS: readonly Scenario[] = [discovery, openapi, system];
