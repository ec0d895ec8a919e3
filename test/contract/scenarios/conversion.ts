// Conversion webhooks of CustomResourceDefinitions: when they are asked, and what their wrong answers do.
import type { ScenarioApi, Scenario } from '../scenario.ts';
import { WebhookServer, type Review } from '../webhook-server.ts';

const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const boats = (version: string): string => `/apis/{ns}.test/${version}/namespaces/{ns}/boats`;
const boat = (version: string, name: string, spec: object, more: object = {}): object => ({ apiVersion: `{ns}.test/${version}`, kind: 'Boat', metadata: { name, ...more }, spec });

/** `sails` of v1 is `rig.sails` in v2. */
function convertOne(object: any, wanted: string): any {
  const spec = wanted.endsWith('/v2') ? { rig: { sails: object.spec?.sails ?? 0 } } : { sails: object.spec?.rig?.sails ?? 0 };
  return { ...object, apiVersion: wanted, spec };
}

type Misbehaviour = (converted: any[], review: Review) => object;
const success = (convertedObjects: any[]): object => ({ result: { status: 'Success' }, convertedObjects });
const WRONG: Readonly<Record<string, Misbehaviour>> = {
  'failed': () => ({ result: { status: 'Failed', message: 'I do not like it' } }),
  'failed without words': () => ({ result: { status: 'Failed' } }),
  'no result': (converted) => ({ convertedObjects: converted }),
  'none': () => success([]),
  'too many': (converted) => success([...converted, ...converted]),
  'other version': (converted) => success(converted.map((object) => ({ ...object, apiVersion: `${object.apiVersion.split('/')[0]}/v3` }))),
  'other kind': (converted) => success(converted.map((object) => ({ ...object, kind: 'Ship' }))),
  'other name': (converted) => success(converted.map((object) => ({ ...object, metadata: { ...object.metadata, name: 'else' } }))),
  'other uid': (converted) => success(converted.map((object) => ({ ...object, metadata: { ...object.metadata, uid: 'else' } }))),
  'no metadata': (converted) => success(converted.map(({ metadata: _, ...object }) => object)),
  'labels': (converted) => success(converted.map((object) => ({ ...object, metadata: { ...object.metadata, labels: { added: 'yes' }, annotations: { also: 'this' } } }))),
  'bad labels': (converted) => success(converted.map((object) => ({ ...object, metadata: { ...object.metadata, labels: { 'bad key!': 'yes' } } }))),
  'finalizers': (converted) => success(converted.map((object) => ({ ...object, metadata: { ...object.metadata, finalizers: ['example.com/new'], generation: 77, ownerReferences: [] } }))),
  'unknown fields': (converted) => success(converted.map((object) => ({ ...object, spec: { ...object.spec, strange: 1 } }))),
  'invalid value': (converted) => success(converted.map((object) => ({ ...object, spec: { rig: { sails: 'many' } } }))),
  'other uid of the review': (converted) => ({ ...success(converted), uid: 'other' }),
  'not JSON': () => ({ raw: 'hello' }),
  'no response': () => ({ raw: '{"apiVersion":"apiextensions.k8s.io/v1","kind":"ConversionReview"}' }),
  'no kind': () => ({ raw: '{"response":{}}' }),
  'status 500': () => ({ raw: 'broken', code: 500 }),
};

async function installBoats(api: ScenarioApi, clientConfig: object): Promise<void> {
  const status = { subresources: { status: {} } };
  const schema = (spec: object): object => ({ openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties: spec }, status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } } } });
  const versions = [
    { name: 'v1', served: true, storage: true, ...status, schema: schema({ sails: { type: 'integer', maximum: 9 } }) },
    { name: 'v2', served: true, storage: false, ...status, schema: schema({ rig: { type: 'object', properties: { sails: { type: 'integer' }, kind: { type: 'string', default: 'sloop' } } } }) },
  ];
  const made = await api.post(CRDS, { metadata: { name: 'boats.{ns}.test' }, spec: { group: '{ns}.test', scope: 'Namespaced', names: { plural: 'boats', kind: 'Boat' }, versions, conversion: { strategy: 'Webhook', webhook: { clientConfig, conversionReviewVersions: ['v1'] } } } });
  if (made.code !== 201) throw new Error(`the definition was answered ${String(made.code)}`);
  api.onEnd(async () => api.quiet('DELETE', `${CRDS}/boats.{ns}.test`));
  for (let left = 200; left > 0; left -= 1) {
    if ((await api.quiet('GET', boats('v1'))).code === 200 && (await api.quiet('POST', `${boats('v2')}?dryRun=All`, { kind: 'Nothing' })).code !== 404) return;
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  }
  throw new Error('the definition was never served');
}

const conversion: Scenario = {
  name: 'conversion-webhooks',
  run: async (api) => {
    let behaviour: Misbehaviour | undefined;
    const server = await WebhookServer.start({ '/convert': (review) => {
      const converted = (review.request.objects as any[]).map((object) => convertOne(object, review.request.desiredAPIVersion));
      return (behaviour ?? success)(converted, review);
    } });
    api.transcript.hide(`127.0.0.1:${String(server.port)}`, 'webhook');
    api.transcript.hide(server.authority, 'authority');
    api.onEnd(() => server.close());
    await installBoats(api, server.client('/convert'));
    await api.post(boats('v1'), boat('v1', 'one', { sails: 1 }));
    await api.get(`${boats('v1')}/one`);
    await api.get(`${boats('v2')}/one`);
    await api.post(boats('v2'), boat('v2', 'two', { rig: { sails: 2 } }));
    // How often and for which object it is asked differs: the server's caches ask as well.
    const [{ review } = { review: undefined }] = server.take();
    api.transcript.note('a review', { ...review, request: { ...review?.request, objects: review?.request.objects.map((object: { apiVersion: string; kind: string }) => `${object.apiVersion} ${object.kind}`) } });
    await api.get(boats('v2'));
    await api.get(boats('v2'), { headers: { accept: 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io' } });
    await api.get(boats('v2'), { headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' } });
    await api.patch('merge', `${boats('v2')}/one`, { spec: { rig: { sails: 5 } } });
    await api.get(`${boats('v1')}/one`);
    await api.put(`${boats('v2')}/two/status`, { ...boat('v2', 'two', { rig: { sails: 8 } }), metadata: { name: 'two', resourceVersion: (await api.quiet('GET', `${boats('v1')}/two`)).body.metadata.resourceVersion }, status: { afloat: true } });
    await api.patch('apply', `${boats('v2')}/applied?fieldManager=m`, boat('v2', 'applied', { rig: { sails: 3 } }));
    await api.patch('apply', `${boats('v1')}/applied?fieldManager=m`, boat('v1', 'applied', { sails: 4 }));
    await api.post(`${boats('v2')}?dryRun=All`, boat('v2', 'too-many', { rig: { sails: 20 } }));
    await api.watch(`${boats('v2')}?watch=true&fieldSelector=metadata.name%3Done`, 2, () => api.quiet('PATCH', `${boats('v1')}/one`, { spec: { sails: 7 } }, { type: 'application/merge-patch+json' }));
    await api.delete(`${boats('v2')}/applied`);
    server.take();
    for (const [name, misbehaviour] of Object.entries(WRONG)) {
      behaviour = misbehaviour;
      api.transcript.note(`the webhook answers: ${name}`, '');
      await api.get(`${boats('v2')}/one`);
    }
    for (const name of ['failed', 'none', 'labels', 'other name', 'finalizers']) {
      behaviour = WRONG[name];
      api.transcript.note(`the webhook answers: ${name}`, '');
      await api.post(boats('v2'), boat('v2', `new-${name.replace(' ', '-')}`, { rig: { sails: 1 } }));
      await api.patch('merge', `${boats('v2')}/one`, { spec: { rig: { sails: 6 } } });
      await api.delete(`${boats('v2')}/two`);
    }
    behaviour = undefined;
    await server.close();
    await api.get(`${boats('v1')}/one`);
    await api.get(`${boats('v2')}/one`);
    await api.delete(`${boats('v1')}/one`);
  },
};

const unreachable: Scenario = {
  name: 'conversion-down',
  run: async (api) => {
    await installBoats(api, { service: { namespace: '{ns}', name: 'none', path: '/convert' } });
    await api.post(boats('v1'), boat('v1', 'one', { sails: 1 }));
    await api.get(`${boats('v2')}/one`);
    await api.post(boats('v2'), boat('v2', 'two', {}));
    await api.patch('json', `${CRDS}/boats.{ns}.test`, [{ op: 'replace', path: '/spec/conversion', value: { strategy: 'None' } }]);
    await api.until(`${boats('v2')}/one`, ({ code }) => code === 200);
    await api.post(boats('v2'), boat('v2', 'two', { rig: { sails: 1 } }));
    await api.get(`${boats('v1')}/two`);
    for (const conversionOf of [{ strategy: 'Webhook', webhook: { conversionReviewVersions: ['v1'] } }, { strategy: 'Webhook', webhook: { clientConfig: { url: 'http://x' }, conversionReviewVersions: ['v1'] } }, { strategy: 'Webhook', webhook: { clientConfig: { url: 'https://x' }, conversionReviewVersions: [] } }, { strategy: 'Webhook', webhook: { clientConfig: { url: 'https://x' }, conversionReviewVersions: ['v7'] } }, { strategy: 'None', webhook: { clientConfig: { url: 'https://x' }, conversionReviewVersions: ['v1'] } }, { strategy: 'Magic' }, { strategy: 'Webhook', webhook: { clientConfig: { service: { namespace: 'a', name: 'b', port: 70000 } }, conversionReviewVersions: ['v1'] } }])
      await api.patch('json', `${CRDS}/boats.{ns}.test?dryRun=All`, [{ op: 'replace', path: '/spec/conversion', value: conversionOf }]);
  },
};

/** Scenarios of conversion webhooks. */
export const CONVERSION_SCENARIOS: readonly Scenario[] = [conversion, unreachable];
