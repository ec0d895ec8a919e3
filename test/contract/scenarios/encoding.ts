// In which form requests and answers go over the wire: media types, compression, tables and metadata alone.
import { gunzipSync } from 'node:zlib';
import { parse } from 'yaml';
import type { CallOptions } from '../api-endpoint.ts';
import type { ScenarioApi, Scenario } from '../scenario.ts';

const PROTOBUF = 'application/vnd.kubernetes.protobuf';
const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io';
const METADATA = 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io';
const METADATA_LIST = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io';
const accept = (text: string): CallOptions => ({ headers: { accept: text } });

/** A field of a protobuf message that has a length. */
function field(number: number, value: Buffer | string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([(number << 3) | 2]), varint(bytes.length), bytes]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>= 7) {
    if (rest < 128) return Buffer.from([...bytes, rest]);
    bytes.push((rest & 127) | 128);
  }
}

/** An object as clients of Kubernetes written in Go send it. */
function protobuf(apiVersion: string, kind: string, message: Buffer): Buffer {
  return Buffer.concat([Buffer.from('k8s\0'), field(1, Buffer.concat([field(1, apiVersion), field(2, kind)])), field(2, message)]);
}

const mapEntry = (key: string, value: string): Buffer => Buffer.concat([field(1, key), field(2, value)]);

/** Records an answer in a form; YAML is compared by what it says. */
async function inForm(api: ScenarioApi, what: string, path: string, type: string): Promise<void> {
  const answer = await api.quiet('GET', path, undefined, accept(type));
  api.transcript.record(what, { ...answer, body: typeof answer.body === 'string' && answer.headers['content-type'] === 'application/yaml' ? parse(answer.body) : answer.body });
}

const mediaTypes: Scenario = {
  name: 'media-types',
  run: async (api) => {
    const configs = api.path('v1/configmaps');
    await api.quiet('POST', configs, { metadata: { name: 'one', labels: { a: 'b' } }, data: { x: 'y', text: 'two\nlines', number: '007', empty: '', truth: 'true' } });
    for (const type of ['application/json', 'application/json, text/plain, */*', '*/*', 'application/*', 'text/html,application/xhtml+xml,*/*;q=0.8', 'text/plain', 'text/html', 'application/json;charset=utf-8', 'application/json;pretty=1', 'application/xml', 'application/cbor', 'nonsense', 'application/json;as=Strange;v=v1;g=meta.k8s.io', `${TABLE.replace('v=v1', 'v=v9')}`, `${TABLE.replace('v=v1', 'v=v9')},application/json`, TABLE.replace('v=v1', 'v=v1beta1'), `${METADATA},${TABLE}`, METADATA_LIST, 'application/json;stream=watch', 'APPLICATION/JSON', 'application/json;q=0.1,application/yaml;q=0.9'])
      await inForm(api, `GET one as ${type}`, `${configs}/one`, type);
    const none = await api.quiet('GET', `${configs}/one`, undefined, { headers: { accept: '' } });
    api.transcript.note('an empty Accept', { code: none.code, type: none.headers['content-type'] });
    for (const path of [`${configs}/one`, configs, `${configs}/none`]) await inForm(api, `GET ${path} as YAML`, path, 'application/yaml');
    const { body } = await api.quiet('GET', `${configs}/one`, undefined, accept('application/yaml'));
    api.transcript.note('lines of YAML', String(body).split('\n').filter((line) => /^\S|^  \S/.test(line) && !/managed|uid|resourceVersion|creation|fields/i.test(line)));
    for (const type of [PROTOBUF, `${PROTOBUF},application/json`, `application/json,${PROTOBUF}`, `${PROTOBUF};type=v1`]) {
      const answer = await api.quiet('GET', `${configs}/one`, undefined, accept(type));
      api.transcript.note(`GET one as ${type}`, { code: answer.code, isAnswered: answer.code === 200, message: answer.code === 200 ? '' : answer.body.message });
    }
    for (const [type, text] of [['text/plain', '{}'], ['application/xml', '<a/>'], ['', '{}'], ['application/json;charset=utf-8', '{"metadata":{"name":"charset"}}'], ['application/yaml', 'metadata:\n  name: yaml\ndata:\n  a: "1"\n'], ['application/yaml', 'metadata: [\n'], ['application/yaml', 'a: 1\na: 2\n'], ['application/yaml', ''], ['application/json', ''], ['application/json', 'metadata: {}'], ['application/json', '[]'], ['application/json', '"text"'], ['application/json', 'null'], ['application/json', '{} {}'], ['application/json', '{"metadata":{"name":"kindless"},"kind":"ConfigMap"}'], ['application/json', '{"apiVersion":"v2","kind":"ConfigMap","metadata":{"name":"x"}}'], ['application/json', '{"apiVersion":"v1","kind":"Secret","metadata":{"name":"x"}}'], ['application/json', '{"apiVersion":"v1","kind":"Nonsense","metadata":{"name":"x"}}'], ['application/json', '{"kind":5}'], ['application/x-www-form-urlencoded', 'a=b'], ['application/cbor', 'x'], ['application/json; nonsense', '{}'], ['nonsense', '{}']] as const)
      api.transcript.record(`POST ${type}: ${text}`, await api.quiet('POST', `${configs}?dryRun=All`, text, { type }));
    await api.call('POST', `${configs}?dryRun=All`, undefined);
    for (const type of ['application/json', 'text/plain', 'application/apply-patch+json', 'application/apply-patch+cbor', 'application/json-patch', 'application/merge-patch+json;charset=utf-8', 'application/merge-patch+yaml', ''])
      api.transcript.record(`PATCH as ${type}`, await api.quiet('PATCH', `${configs}/one?dryRun=All`, '{"data":{"p":"q"}}', { type }));
    for (const type of ['text/plain', 'application/yaml', '', 'application/merge-patch+json'])
      api.transcript.record(`DELETE as ${type}`, await api.quiet('DELETE', `${configs}/one?dryRun=All`, type === 'application/yaml' ? 'kind: DeleteOptions\napiVersion: v1\n' : '{"kind":"DeleteOptions","apiVersion":"v1"}', { type }));
    const pretty = await api.quiet('GET', `${configs}/one?pretty=true`, undefined, accept('application/json'));
    api.transcript.note('pretty', pretty.code);
    await api.watch(`${configs}?watch=true&timeoutSeconds=1`, 1, undefined, accept(METADATA));
    await api.watch(`${configs}?watch=true&timeoutSeconds=1`, 1, undefined, accept(TABLE));
    for (const type of ['application/yaml', 'text/plain', 'application/json;stream=watch', 'application/json;stream=none', TABLE.replace('v=v1', 'v=v9')]) {
      const watch = await api.endpoint.watch(`${configs.replaceAll('{ns}', api.namespace)}?watch=true&timeoutSeconds=1`, accept(type)).catch(() => undefined);
      watch?.stop();
      api.transcript.note(`watch as ${type}`, { code: watch?.code, type: watch?.headers['content-type'] });
    }
  },
};

const forms: Scenario = {
  name: 'forms',
  run: async (api) => {
    const configs = api.path('v1/configmaps');
    for (const name of ['a', 'b', 'c']) await api.quiet('POST', configs, { metadata: { name, labels: { l: name } }, data: { x: name } });
    await api.get(`${configs}/a`, accept(METADATA));
    await api.get(configs, accept(METADATA_LIST));
    await api.get(`${configs}?limit=2`, accept(METADATA_LIST));
    await api.get(configs, accept(METADATA));
    await api.get(`${configs}?limit=1`, accept(TABLE));
    await api.get(`${configs}?includeObject=Object&limit=1`, accept(TABLE));
    await api.get(`${configs}?includeObject=None&limit=1`, accept(TABLE));
    await api.get(`${configs}?includeObject=Strange&limit=1`, accept(TABLE));
    await api.get(`${configs}/none`, accept(TABLE));
    await api.get(`${configs}/none`, accept(METADATA));
    await api.post(configs, { metadata: { name: 'posted' } }, accept(METADATA));
    await api.patch('merge', `${configs}/posted`, { data: { a: 'b' } }, accept(METADATA));
    await api.patch('merge', `${configs}/posted`, { data: { a: 'c' } }, accept(TABLE));
    await api.delete(`${configs}/posted`, undefined, accept(METADATA));
    await api.delete(configs, undefined, accept(METADATA_LIST));
    await api.get('/api/v1/namespaces/{ns}', accept(`${TABLE},application/json`));
    await api.get(api.path('v1/pods'), accept(TABLE));
    await api.get(api.path('apps/v1/deployments'), accept(TABLE));
    await api.get('/apis/apps/v1/deployments?fieldSelector=metadata.namespace%3D{ns}', accept(TABLE));
  },
};

const compression: Scenario = {
  name: 'compression',
  run: async (api) => {
    const configs = api.path('v1/configmaps');
    for (const name of ['a', 'b', 'c']) await api.quiet('POST', configs, { metadata: { name }, data: { text: 'compress me '.repeat(5000) } });
    const ask = async (what: string, path: string, headers: Record<string, string>): Promise<void> => {
      const answer = await api.quiet('GET', path, undefined, { headers });
      api.transcript.note(what, { code: answer.code, encoding: answer.headers['content-encoding'], vary: answer.headers['vary'], length: answer.headers['content-length'] !== undefined, transfer: answer.headers['transfer-encoding'], kind: answer.body?.kind });
    };
    await ask('a long list with gzip', configs, { 'accept-encoding': 'gzip' });
    await ask('a long list with a choice', configs, { 'accept-encoding': 'deflate, gzip;q=0.5' });
    await ask('a long list without', configs, {});
    await ask('a long list, deflate only', configs, { 'accept-encoding': 'deflate' });
    await ask('a long list, identity', configs, { 'accept-encoding': 'identity' });
    await ask('a short object', '/api/v1/namespaces/{ns}', { 'accept-encoding': 'gzip' });
    await ask('an object below the bound', `${configs}/a`, { 'accept-encoding': 'gzip' });
    await ask('a table', configs, { 'accept-encoding': 'gzip', accept: TABLE });
    await ask('a long table', `${configs}?includeObject=Object`, { 'accept-encoding': 'gzip', accept: TABLE });
    await ask('a long list in YAML', configs, { 'accept-encoding': 'gzip', accept: 'application/yaml' });
    await ask('/apis', '/apis', { 'accept-encoding': 'gzip' });
    await ask('aggregated /apis', '/apis', { 'accept-encoding': 'gzip', accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList' });
    await ask('/openapi/v2', '/openapi/v2', { 'accept-encoding': 'gzip' });
    await ask('/openapi/v3/api/v1', '/openapi/v3/api/v1', { 'accept-encoding': 'gzip' });
    await ask('/version', '/version', { 'accept-encoding': 'gzip' });
    const watch = await api.endpoint.watch(`${configs.replaceAll('{ns}', api.namespace)}?watch=true&timeoutSeconds=1`, { headers: { 'accept-encoding': 'gzip' } });
    watch.stop();
    api.transcript.note('a watch', { code: watch.code, encoding: watch.headers['content-encoding'], transfer: watch.headers['transfer-encoding'] });
    const made = await api.quiet('POST', `${configs}?dryRun=All`, { metadata: { name: 'z' }, data: { text: 'x'.repeat(200_000) } }, { headers: { 'accept-encoding': 'gzip' } });
    api.transcript.note('a long answer to POST', { code: made.code, encoding: made.headers['content-encoding'] });
    const huge = await api.quiet('POST', `${configs}?dryRun=All`, { metadata: { name: 'huge' }, data: { text: 'x'.repeat(1_100_000) } });
    api.transcript.note('more than a ConfigMap holds', { code: huge.code, reason: huge.body.reason, message: huge.body.message, details: huge.body.details });
    const body = gunzipSync(Buffer.from('H4sIAAAAAAAAA6uu5QIABrCh3QMAAAA=', 'base64')).toString();
    const sent = await api.quiet('POST', `${configs}?dryRun=All`, body, { headers: { 'content-encoding': 'gzip' } });
    api.transcript.note('a body that claims to be compressed', { code: sent.code, reason: sent.body.reason });
  },
};

const protobufs: Scenario = {
  name: 'protobuf',
  run: async (api) => {
    const configs = api.path('v1/configmaps');
    const metadata = (name: string): Buffer => Buffer.concat([field(1, name), field(11, mapEntry('l', 'v')), field(12, mapEntry('a', 'w'))]);
    const send = (method: string, path: string, body: Buffer, options: CallOptions = {}) => api.call(method, path, body, { type: PROTOBUF, ...options });
    await send('POST', configs, protobuf('v1', 'ConfigMap', Buffer.concat([field(1, metadata('one')), field(2, mapEntry('k', 'v'))])));
    await send('PUT', `${configs}/one`, protobuf('v1', 'ConfigMap', Buffer.concat([field(1, metadata('one')), field(2, mapEntry('k', 'w')), field(3, mapEntry('b', 'bytes'))])));
    await send('POST', api.path('coordination.k8s.io/v1/leases'), protobuf('coordination.k8s.io/v1', 'Lease', Buffer.concat([field(1, metadata('lease')), field(2, Buffer.concat([field(1, 'me'), Buffer.from([0x10, 15])]))])));
    await send('POST', api.path('v1/events'), protobuf('v1', 'Event', Buffer.concat([field(1, metadata('event')), field(2, Buffer.concat([field(1, 'Pod'), field(2, api.namespace), field(3, 'p')])), field(3, 'Because'), field(4, 'words'), field(9, 'Normal')])));
    await send('POST', api.path('v1/secrets'), protobuf('v1', 'Secret', Buffer.concat([field(1, metadata('secret')), field(2, mapEntry('k', 'bytes')), field(3, 'Opaque')])));
    await send('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', protobuf('authorization.k8s.io/v1', 'SubjectAccessReview', field(2, Buffer.concat([field(1, Buffer.concat([field(1, api.namespace), field(2, 'get'), field(5, 'pods')])), field(3, 'ann')]))));
    await send('DELETE', `${configs}/one`, protobuf('v1', 'DeleteOptions', Buffer.from([0x08, 0x00])));
    await send('POST', configs, protobuf('v1', 'Secret', field(1, metadata('wrong'))));
    await send('POST', configs, protobuf('v1', 'Nonsense', Buffer.alloc(0)));
    await send('POST', configs, Buffer.from('k8s\0'));
    await send('POST', configs, Buffer.from('nonsense'));
    await send('POST', configs, Buffer.alloc(0));
    const cut = protobuf('v1', 'ConfigMap', field(1, metadata('cut')));
    const answer = await api.quiet('POST', configs, cut.subarray(0, cut.length - 3), { type: PROTOBUF });
    api.transcript.note('a body that is cut off', { code: answer.code, reason: answer.body.reason });
    await send('PATCH', `${configs}/one`, Buffer.from('{}'));
    const crds = await api.quiet('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', { metadata: { name: 'boats.{ns}.test' }, spec: { group: '{ns}.test', scope: 'Namespaced', names: { plural: 'boats', kind: 'Boat' }, versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } } }] } });
    if (crds.code !== 201) throw new Error('the definition was refused');
    api.onEnd(async () => api.quiet('DELETE', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/boats.{ns}.test'));
    const boats = '/apis/{ns}.test/v1/namespaces/{ns}/boats';
    await waitFor(api, boats);
    await send('POST', boats, protobuf(`${api.namespace}.test/v1`, 'Boat', Buffer.alloc(0)));
    await api.get(boats, accept(PROTOBUF));
    await api.get(boats, accept(`${PROTOBUF},application/json`));
    await api.get(boats, accept('text/plain'));
    for (const type of ['application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io', `${PROTOBUF};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json`]) {
      const partial = await api.quiet('GET', boats, undefined, accept(type));
      api.transcript.note(`metadata as ${type}`, { code: partial.code });
    }
    await api.call('POST', boats, 'apiVersion: {ns}.test/v1\nkind: Boat\nmetadata:\n  name: yaml\nspec:\n  a: 1\n', { type: 'application/yaml' });
    await api.call('POST', boats, '{}', { type: 'text/plain' });
    await api.call('PATCH', `${boats}/yaml`, '{"spec":{"b":2}}', { type: 'application/strategic-merge-patch+json' });
  },
};

async function waitFor(api: ScenarioApi, path: string): Promise<void> {
  for (let left = 200; left > 0; left -= 1) {
    if ((await api.quiet('GET', path)).code === 200 && (await api.quiet('POST', `${path}?dryRun=All`, { kind: 'Nothing' })).code !== 404) return;
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  }
}

/** Scenarios of how things go over the wire. */
export const ENCODING_SCENARIOS: readonly Scenario[] = [mediaTypes, forms, compression, protobufs];
