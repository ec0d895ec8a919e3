// CustomResourceDefinitions and what they make of objects: schemas, defaults, pruning, rules, columns, versions.
import type { ScenarioApi, Scenario } from '../scenario.ts';

type Schema = Record<string, unknown>;

/** A definition of `boats.{ns}.test`; its group is the scenario's own. */
function definition(version: object, over: object = {}) {
  return { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: 'boats.{ns}.test' }, spec: { group: '{ns}.test', scope: 'Namespaced', names: { plural: 'boats', singular: 'boat', kind: 'Boat', listKind: 'BoatList', shortNames: ['bt'], categories: ['fleet'] }, versions: [{ name: 'v1', served: true, storage: true, ...version }], ...over } };
}

const schemaOf = (spec: Schema, more: Schema = {}): object => ({ openAPIV3Schema: { type: 'object', properties: { spec, status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }, ...more } } });
const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

async function install(api: ScenarioApi, crd: object): Promise<void> {
  const { code } = await api.quiet('POST', CRDS, crd);
  if (code !== 201) throw new Error(`the definition was answered ${String(code)}`);
  api.onEnd(async () => api.quiet('DELETE', `${CRDS}/boats.{ns}.test`));
  await served(api, 'v1');
}

async function served(api: ScenarioApi, version: string): Promise<void> {
  for (let left = 400; left > 0; left -= 1) {
    const established = (await api.quiet('GET', `${CRDS}/boats.{ns}.test`)).body.status?.conditions?.some((condition: { type: string; status: string }) => condition.type === 'Established' && condition.status === 'True');
    const ready = established && (await api.quiet('GET', `/apis/{ns}.test/${version}/namespaces/{ns}/boats`)).code === 200;
    // One more moment: the server that stores them may still be getting ready.
    if (ready && (await api.quiet('POST', `/apis/{ns}.test/${version}/namespaces/{ns}/boats?dryRun=All`, { kind: 'Nothing' })).code !== 404) return;
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  }
  throw new Error('the definition was never established');
}

const BOATS = '/apis/{ns}.test/v1/namespaces/{ns}/boats';
const boat = (name: string, spec: unknown, more: object = {}) => ({ apiVersion: '{ns}.test/v1', kind: 'Boat', metadata: { name }, spec, ...more });

const schemas: Scenario = {
  name: 'schemas',
  run: async (api) => {
    await install(api, definition({
      subresources: { status: {}, scale: { specReplicasPath: '.spec.crew', statusReplicasPath: '.status.crew', labelSelectorPath: '.status.selector' } },
      schema: schemaOf({
        type: 'object', required: ['sails'],
        properties: {
          sails: { type: 'integer', minimum: 1, maximum: 9 }, color: { type: 'string', default: 'white', enum: ['white', 'red'] }, name: { type: 'string', maxLength: 5, pattern: '^[a-z]*$' }, crew: { type: 'integer', default: 2 },
          masts: { type: 'array', maxItems: 2, minItems: 1, items: { type: 'object', required: ['height'], properties: { height: { type: 'number' }, wood: { type: 'string', default: 'oak' } } } },
          tags: { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } }, ports: { type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['port'], items: { type: 'object', required: ['port'], properties: { port: { type: 'integer' }, name: { type: 'string' } } } },
          free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }, map: { type: 'object', additionalProperties: { type: 'integer' } }, either: { 'x-kubernetes-int-or-string': true }, nothing: { type: 'string', nullable: true }, when: { type: 'string', format: 'date-time' },
          one: { type: 'object', properties: { a: { type: 'string' }, b: { type: 'string' } }, oneOf: [{ required: ['a'] }, { required: ['b'] }] }, embedded: { type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true },
        },
      }),
    }));
    await api.post(BOATS, boat('one', { sails: 3 }));
    await api.post(BOATS, boat('unknown', { sails: 3, wheels: 4, masts: [{ height: 1, deep: { x: 1 } }], free: { any: [1] } }));
    await api.post(`${BOATS}?fieldValidation=Strict`, boat('strict', { sails: 3, wheels: 4, masts: [{ height: 1, deep: 1 }] }));
    await api.post(`${BOATS}?fieldValidation=Ignore`, boat('ignore', { sails: 3, wheels: 4 }));
    await api.post(`${BOATS}?fieldValidation=Strict`, '{"apiVersion":"{ns}.test/v1","kind":"Boat","metadata":{"name":"twice","name":"twice"},"spec":{"sails":3,"sails":4}}');
    await api.post(BOATS, { ...boat('meta', { sails: 3 }), metadata: { name: 'meta', unknown: 'x' } });
    for (const spec of [{}, { sails: 0 }, { sails: 10 }, { sails: '3' }, { sails: 3.5 }, { sails: null }, { sails: 3, color: 'blue' }, { sails: 3, name: 'toolong' }, { sails: 3, name: 'UP' }, { sails: 3, masts: [] }, { sails: 3, masts: [{}, { height: 'x' }, { height: 1 }] }, { sails: 3, tags: ['a', 'a'] }, { sails: 3, ports: [{ port: 1 }, { port: 1 }] },
      { sails: 3, ports: [{ name: 'x' }] }, { sails: 3, map: { a: 'x' } }, { sails: 3, either: true }, { sails: 3, color: null }, { sails: 3, name: null }, { sails: 3, nothing: null }, { sails: 3, when: 'soon' }, { sails: 3, one: {} }, { sails: 3, one: { a: '1', b: '2' } }, { sails: 3, embedded: { x: 1 } }, { sails: 3, embedded: { apiVersion: 'v1', kind: 'X', metadata: { name: 'x', bad: 1 }, y: 1 } }, null])
      await api.post(`${BOATS}?dryRun=All`, boat('bad', spec));
    await api.post(BOATS, { ...boat('other', { sails: 1 }), kind: 'Ship' });
    await api.post(BOATS, { ...boat('other', { sails: 1 }), apiVersion: '{ns}.test/v2' });
    await api.post(BOATS, { metadata: { name: 'untyped' }, spec: { sails: 1 } });
    await api.put(`${BOATS}/one`, boat('one', { sails: 4 }));
    const { body } = await api.quiet('GET', `${BOATS}/one`);
    await api.put(`${BOATS}/one`, { ...body, spec: { sails: 5, color: 'red', crew: 2 }, status: { lost: true } });
    await api.put(`${BOATS}/one/status`, { ...body, metadata: { ...body.metadata, resourceVersion: undefined, labels: { no: 'effect' } }, spec: { sails: 9 }, status: { crew: 1, selector: 'a=b' } });
    await api.get(`${BOATS}/one/scale`);
    await api.patch('merge', `${BOATS}/one/scale`, { spec: { replicas: 7 } });
    await api.put(`${BOATS}/one/scale`, { metadata: { name: 'one' }, spec: { replicas: -1 } });
    await api.get(`${BOATS}/one`);
    await api.patch('strategic', `${BOATS}/one`, { spec: { crew: 8 } });
    await api.patch('merge', `${BOATS}/one`, { spec: { color: null, ports: [{ port: 1, name: 'a' }] } });
    await api.patch('apply', `${BOATS}/one?fieldManager=m`, boat('one', { sails: 5, ports: [{ port: 2, name: 'b' }], tags: ['x'] }));
    await api.patch('apply', `${BOATS}/one?fieldManager=m`, boat('one', { sails: 5, tags: ['y'] }));
    await api.get(`${BOATS}/one/nothing`);
    await api.get(BOATS, { headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' } });
    await api.get('/apis/{ns}.test/v1');
    await api.get('/apis/{ns}.test');
    await api.delete(`${BOATS}/one`);
  },
};

const rules: Scenario = {
  name: 'rules',
  run: async (api) => {
    await install(api, definition({
      schema: schemaOf({
        type: 'object',
        properties: {
          sails: { type: 'integer', 'x-kubernetes-validations': [{ rule: 'self > 0', message: 'a boat has sails' }, { rule: 'self >= oldSelf', message: 'sails are never taken away' }] },
          port: { type: 'string', maxLength: 20, 'x-kubernetes-validations': [{ rule: 'self == oldSelf', messageExpression: "'from ' + oldSelf + ' to ' + self", reason: 'FieldValueForbidden' }] },
          old: { type: 'string', maxLength: 3 },
          crew: { type: 'array', maxItems: 5, items: { type: 'string', maxLength: 10 }, 'x-kubernetes-validations': [{ rule: "self.all(name, name.startsWith('m'))", message: 'crew begins with m', fieldPath: undefined }] },
          set: { type: 'string', 'x-kubernetes-validations': [{ rule: "!oldSelf.hasValue() || self == oldSelf.value()", optionalOldSelf: true, message: 'set once' }] },
        },
        'x-kubernetes-validations': [{ rule: '!has(self.crew) || self.crew.size() <= self.sails', message: 'too many for the sails', fieldPath: '.crew' }, { rule: "!has(self.port) || self.port.matches('^[a-z]+$')", message: 'ports are words', reason: 'FieldValueForbidden' }],
      }),
    }));
    await api.post(BOATS, boat('one', { sails: 2, crew: ['mia'], port: 'kiel', set: 'a' }));
    for (const spec of [{ sails: 0 }, { sails: 1, crew: ['mia', 'max'] }, { sails: 5, crew: ['max', 'tom'] }, { sails: 1, port: 'K1' }, { sails: 0, crew: ['mia'] }]) await api.post(BOATS, boat('bad', spec));
    for (const change of [{ sails: 1 }, { sails: 3, port: 'rome' }, { set: 'b' }, { sails: 4 }]) await api.patch('merge', `${BOATS}/one`, { spec: change });
    const bad = async (validation: object, schema: Schema = { type: 'string' }) => {
      const answer = await api.quiet('POST', `${CRDS}?dryRun=All`, definition({ schema: schemaOf({ type: 'object', properties: { x: { ...schema, 'x-kubernetes-validations': [validation] } } }) }));
      api.transcript.note(`rule ${JSON.stringify(validation)}`, { code: answer.code, reason: answer.body.reason, fields: answer.body.details?.causes?.map((cause: { field: string; reason: string }) => `${cause.reason} ${cause.field}`) });
    };
    await bad({ rule: 'self.size() >' });
    await bad({ rule: 'self.none()' });
    await bad({ rule: 'self == 1' });
    await bad({ rule: '1' });
    await bad({ rule: '' });
    await bad({ rule: 'true', messageExpression: '1' });
    await bad({ rule: 'true', reason: 'Whatever' });
    await bad({ rule: 'self.all(a, self.all(b, a == b))' }, { type: 'array', items: { type: 'string' } });
    await bad({ rule: 'self.all(a, a.size() < 3)' }, { type: 'array', items: { type: 'string' }, maxItems: 3 });
    await bad({ rule: 'self.exists_one(a, a == 1) && cidr("10.0.0.0/8").containsIP("10.1.1.1") && quantity("1Gi").isGreaterThan(quantity("1Mi")) && url("https://a").getScheme() == "https"' }, { type: 'array', items: { type: 'integer' }, maxItems: 3 });
  },
};

const ratcheting: Scenario = {
  name: 'ratcheting',
  run: async (api) => {
    const loose = schemaOf({ type: 'object', properties: { a: { type: 'string' }, b: { type: 'string' }, list: { type: 'array', items: { type: 'string' } } } });
    await install(api, definition({ schema: loose }));
    await api.post(BOATS, boat('one', { a: 'long value', b: 'x', list: ['long value', 'y'] }));
    const tight = definition({ schema: schemaOf({ type: 'object', properties: { a: { type: 'string', maxLength: 3, 'x-kubernetes-validations': [{ rule: "self != 'long value'", message: 'not that' }] }, b: { type: 'string', maxLength: 3 }, list: { type: 'array', items: { type: 'string', maxLength: 3 } } }, required: ['c'] }) });
    const { spec } = tight;
    await api.quiet('PATCH', `${CRDS}/boats.{ns}.test`, { spec: { versions: spec.versions } }, { type: 'application/merge-patch+json' });
    for (let left = 100; left > 0 && (await api.quiet('POST', `${BOATS}?dryRun=All`, boat('probe', { a: 'long value', c: 1 }))).code !== 422; left -= 1) await new Promise((resolve) => { setTimeout(resolve, 50); });
    await api.patch('merge', `${BOATS}/one`, { metadata: { labels: { l: '1' } } });
    await api.patch('merge', `${BOATS}/one`, { spec: { b: 'y' } });
    await api.patch('merge', `${BOATS}/one`, { spec: { b: 'much too long' } });
    await api.patch('merge', `${BOATS}/one`, { spec: { a: 'other long value' } });
    await api.patch('merge', `${BOATS}/one`, { spec: { list: ['long value'] } });
    await api.post(BOATS, boat('two', { a: 'long value' }));
  },
};

const definitions: Scenario = {
  name: 'definitions',
  run: async (api) => {
    const simple = schemaOf({ type: 'object', properties: { a: { type: 'string' } } });
    const refused = async (what: string, crd: object) => {
      const answer = await api.quiet('POST', CRDS, crd);
      api.transcript.note(what, answer.code === 201 ? 201 : answer.body);
      if (answer.code !== 201) return;
      const made = `${CRDS}/${String(answer.body.metadata.name)}`;
      await api.quiet('DELETE', made);
      for (let left = 200; left > 0 && (await api.quiet('GET', made)).code !== 404; left -= 1) await new Promise((resolve) => { setTimeout(resolve, 50); });
    };
    await refused('a wrong name', { ...definition({ schema: simple }), metadata: { name: 'ships.{ns}.test' } });
    await refused('no schema', definition({}));
    await refused('no version', definition({}, { versions: [] }));
    await refused('no storage version', definition({ storage: false, schema: simple }));
    await refused('two storage versions', definition({}, { versions: ['v1', 'v2'].map((name) => ({ name, served: true, storage: true, schema: simple })) }));
    await refused('one name twice', definition({}, { versions: ['v1', 'v1'].map((name, index) => ({ name, served: true, storage: index === 0, schema: simple })) }));
    await refused('no type', definition({ schema: { openAPIV3Schema: { properties: { spec: {} } } } }));
    await refused('root is no object', definition({ schema: { openAPIV3Schema: { type: 'string' } } }));
    await refused('an unstructural schema', definition({ schema: schemaOf({ type: 'object', anyOf: [{ properties: { x: { type: 'string' } } }] }) }));
    await refused('metadata that is restricted', definition({ schema: schemaOf({ type: 'object' }, { metadata: { type: 'object', properties: { labels: { type: 'object' } } } }) }));
    await refused('a default of the wrong type', definition({ schema: schemaOf({ type: 'object', properties: { a: { type: 'string', default: 5 } } }) }));
    await refused('a bad column', definition({ schema: simple, additionalPrinterColumns: [{ name: 'A', type: 'text', jsonPath: 'spec.a' }] }));
    await refused('a bad selectable field', definition({ schema: simple, selectableFields: [{ jsonPath: '.spec.none' }] }));
    await refused('a bad scale path', definition({ schema: simple, subresources: { scale: { specReplicasPath: 'spec.a', statusReplicasPath: '.spec.a' } } }));
    await refused('a bad scope', definition({ schema: simple }, { scope: 'Everywhere' }));
    await refused('bad names', definition({ schema: simple }, { names: { plural: 'boats', kind: 'bad kind', shortNames: ['UP'] } }));
    await refused('a bad pattern', definition({ schema: schemaOf({ type: 'object', properties: { a: { type: 'string', pattern: '(' } } }) }));
    await refused('uniqueItems', definition({ schema: schemaOf({ type: 'object', properties: { a: { type: 'array', uniqueItems: true, items: { type: 'string' } } } }) }));
    await refused('additional and properties', definition({ schema: schemaOf({ type: 'object', properties: { a: { type: 'string' } }, additionalProperties: { type: 'string' } }) }));
    await refused('a webhook conversion without a webhook', definition({ schema: simple }, { conversion: { strategy: 'Webhook' } }));
    await refused('preserveUnknownFields', definition({ schema: simple }, { preserveUnknownFields: true }));
    await refused('unknown fields', definition({ schema: simple }, { nonsense: 1 }));
    await refused('a protected group', { ...definition({ schema: simple }, { group: 'boats.k8s.io' }), metadata: { name: 'boats.boats.k8s.io' } });
    const crd = definition({ schema: simple, additionalPrinterColumns: [{ name: 'A', type: 'string', jsonPath: '.spec.a', description: 'the a' }, { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', priority: 1 }], selectableFields: [{ jsonPath: '.spec.a' }] });
    await api.post(CRDS, crd);
    api.onEnd(async () => api.quiet('DELETE', `${CRDS}/boats.{ns}.test`));
    await served(api, 'v1');
    await api.get(`${CRDS}/boats.{ns}.test`);
    await api.post(BOATS, boat('a', { a: 'x' }));
    await api.post(BOATS, boat('b', { a: 'y' }));
    await api.get(`${BOATS}?fieldSelector=spec.a%3Dx`);
    await api.get(`${BOATS}?fieldSelector=spec.b%3Dx`);
    await api.get(BOATS, { headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' } });
    await api.get(`${CRDS}/boats.{ns}.test/status`);
    await api.get(`/apis/{ns}.test/v2/namespaces/{ns}/boats`);
    await api.put(`${CRDS}/boats.{ns}.test`, { ...crd, spec: { ...crd.spec, scope: 'Cluster' } });
    await api.patch('merge', `${CRDS}/boats.{ns}.test`, { spec: { versions: [{ name: 'v2', served: true, storage: true, schema: simple }] } });
    await api.patch('merge', `${CRDS}/boats.{ns}.test`, { spec: { versions: [{ name: 'v1', served: true, storage: false, schema: simple, deprecated: true }, { name: 'v2', served: true, storage: true, schema: simple }] } });
    await served(api, 'v2');
    await api.until(`${CRDS}/boats.{ns}.test`, ({ body }) => body.status?.storedVersions?.length === 2);
    await api.until(`${BOATS}/a`, ({ headers }) => headers['warning'] !== undefined);
    await api.get('/apis/{ns}.test/v2/namespaces/{ns}/boats/a');
    await api.get('/apis/{ns}.test');
    await api.delete(`${CRDS}/boats.{ns}.test`);
    await api.until(`${CRDS}/boats.{ns}.test`, ({ code }) => code === 404);
    await api.until(`${BOATS}/a`, ({ code }) => code === 404);
  },
};

/** Scenarios of custom resources. */
export const CUSTOM_RESOURCE_SCENARIOS: readonly Scenario[] = [schemas, rules, ratcheting, definitions];
