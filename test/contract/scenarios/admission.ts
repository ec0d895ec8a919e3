// Admission webhooks: when they are called, what they are told, what their answers do, and what happens when they fail.
import type { ScenarioApi, Scenario } from '../scenario.ts';
import { WebhookServer, type Reply } from '../webhook-server.ts';

const CONFIGURATIONS = '/apis/admissionregistration.k8s.io/v1';
const base64 = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64');
const patch = (...operations: object[]): object => ({ allowed: true, patchType: 'JSONPatch', patch: base64(operations) });
const add = (path: string, value: unknown): object => ({ op: 'add', path, value });
const raw = (text: string, code = 200): Reply => () => ({ raw: text, code });
const configMap = (name: string, more: object = {}): object => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...more }, data: { x: 'y' } });
const RULE = { operations: ['*'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] };

type Hook = Record<string, unknown> & { readonly path?: string };

/** Webhooks of a scenario, with the server that they are at. */
class Hooks {
  readonly #api: ScenarioApi;
  readonly server: WebhookServer;
  #count = 0;

  private constructor(api: ScenarioApi, server: WebhookServer) {
    this.#api = api;
    this.server = server;
  }

  static async start(api: ScenarioApi, replies: Readonly<Record<string, Reply>>): Promise<Hooks> {
    const server = await WebhookServer.start({ '/allow': () => ({ allowed: true }), '/deny': () => ({ allowed: false }), '/probe': () => ({ allowed: false, status: { code: 418, message: 'the probe' } }), ...replies });
    api.transcript.hide(`127.0.0.1:${String(server.port)}`, 'webhook');
    api.onEnd(() => server.close());
    return new Hooks(api, server);
  }

  /** Installs webhooks and waits until the server heeds them; the answer takes them out again. One more among them shows when it does. */
  async install(kind: 'Mutating' | 'Validating', hooks: readonly Hook[], prefix = 'c'): Promise<() => Promise<void>> {
    this.#count += 1;
    const name = `${prefix}${String(this.#count)}.{ns}`;
    const full = hooks.map(({ path, ...hook }, index) => ({
      name: `h${String(index)}.{ns}.test`, sideEffects: 'None', admissionReviewVersions: ['v1'], rules: [RULE], namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': '{ns}' } },
      ...(path === undefined ? {} : { clientConfig: this.server.client(path) }), ...hook,
    }));
    const probe = `probe-${String(this.#count)}`;
    const probing = { name: 'probe.{ns}.test', sideEffects: 'None', admissionReviewVersions: ['v1'], rules: [{ ...RULE, resources: ['limitranges'] }], namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': '{ns}' } }, matchConditions: [{ name: 'probe', expression: `object.metadata.name == '${probe}'` }], clientConfig: this.server.client('/probe') };
    const path = `${CONFIGURATIONS}/${kind.toLowerCase()}webhookconfigurations`;
    const made = await this.#api.quiet('POST', path, { metadata: { name }, webhooks: [...full, probing] });
    if (made.code !== 201) throw new Error(`the webhooks were answered ${String(made.code)}: ${JSON.stringify(made.body)}`);
    const remove = (): Promise<unknown> => this.#api.quiet('DELETE', `${path}/${name}`);
    this.#api.onEnd(remove);
    await this.#until(probe, 418);
    return async () => {
      await remove();
      await this.#until(probe, 201);
      this.server.take();
    };
  }

  async #until(probe: string, code: number): Promise<void> {
    for (let left = 200; left > 0; left -= 1) {
      const answer = await this.#api.quiet('POST', `${this.#api.path('v1/limitranges')}?dryRun=All`, { metadata: { name: probe }, spec: { limits: [] } });
      if (answer.code === code) {
        this.server.take();
        return;
      }
      await new Promise((resolve) => { setTimeout(resolve, 50); });
    }
    throw new Error('the server never heeded the webhooks');
  }

  /** Notes what the webhooks were asked since the last time. */
  tell(what: string): void {
    this.#api.transcript.note(`${what}: asked`, this.server.take().map(({ path, review }) => ({ path, apiVersion: review.apiVersion, kind: review.kind, request: withoutCertificate(review.request) })));
  }

  /** Only which paths were asked. */
  paths(what: string): void {
    this.#api.transcript.note(`${what}: asked`, this.server.take().map(({ path }) => path).sort());
  }
}

/** The administrator of the two servers has another name, and a certificate leaves its mark. */
function withoutCertificate(request: any): unknown {
  return { ...request, userInfo: request.userInfo?.username.startsWith('system:') || request.userInfo?.username === 'ann' ? { ...request.userInfo, extra: undefined, uid: undefined } : '<administrator>' };
}

const mutating: Scenario = {
  name: 'mutating-webhooks',
  run: async (api) => {
    const configs = api.path('v1/configmaps');
    const hooks = await Hooks.start(api, {
      '/label': () => patch(add('/metadata/labels', { hook: 'was-here' }), add('/data/added', 'z')),
      '/data': () => patch(add('/data/added', 'z')),
      '/count': ({ request }) => patch(add('/data/count', String(Number(request.object.data.count ?? 0) + 1))),
      '/mark': ({ request }) => patch(add('/data/marked', `after ${String(request.object.data.count)}`)),
      '/annotate': () => ({ ...patch(add('/data/annotated', 'yes')), auditAnnotations: { a: 'b' }, warnings: ['changed'] }),
      '/no-patch-type': () => ({ allowed: true, patch: base64([add('/data/a', 'b')]) }),
      '/bad-patch-type': () => ({ allowed: true, patchType: 'MergePatch', patch: base64({ data: { a: 'b' } }) }),
      '/no-patch': () => ({ allowed: true, patchType: 'JSONPatch' }),
      '/denied-patch': () => ({ ...patch(add('/data/a', 'b')), allowed: false }),
      '/missing-path': () => patch({ op: 'replace', path: '/data/none/deep', value: '1' }),
      '/bad-json': () => ({ allowed: true, patchType: 'JSONPatch', patch: Buffer.from('{').toString('base64') }),
      '/bad-op': () => patch({ op: 'frobnicate', path: '/data/a', value: '1' }),
      '/test-fails': () => patch({ op: 'test', path: '/data/x', value: 'other' }, add('/data/a', 'b')),
      '/invalid': () => patch(add('/data', { 'bad key!': 'x' })),
      '/wrong-type': () => patch(add('/data', 5)),
      '/unknown': () => patch(add('/unknown', 1), add('/metadata/strange', 'x')),
      '/rename': () => patch({ op: 'replace', path: '/metadata/name', value: 'renamed' }),
      '/move': () => patch({ op: 'replace', path: '/metadata/namespace', value: 'default' }),
      '/uid': () => patch({ op: 'replace', path: '/metadata/uid', value: 'changed' }),
      '/finalizer': () => patch(add('/metadata/finalizers', ['example.com/kept'])),
      '/deployment': () => patch(add('/spec/template/spec/containers/-', { name: 'sidecar', image: 'side' })),
      '/empty': () => patch(),
    });
    const remove = await hooks.install('Mutating', [{ path: '/label' }]);
    await api.post(configs, configMap('one'));
    hooks.tell('create');
    await api.put(`${configs}/one`, configMap('one', { annotations: { a: 'b' } }));
    hooks.tell('update');
    await api.patch('merge', `${configs}/one`, { data: { m: '1' } });
    hooks.tell('merge patch');
    await api.patch('apply', `${configs}/one?fieldManager=m&force=true`, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'one' }, data: { applied: '1' } });
    hooks.tell('apply');
    await api.patch('apply', `${configs}/new?fieldManager=m`, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'new' }, data: { applied: '1' } });
    hooks.paths('apply of a new one');
    await api.post(`${configs}?dryRun=All&fieldManager=tester&fieldValidation=Strict`, configMap('dry'));
    hooks.tell('dry run');
    await api.post(configs, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'made-' }, data: { x: 'y' } });
    hooks.tell('generated name');
    await api.delete(`${configs}/one`);
    hooks.tell('delete');
    await api.delete(configs);
    hooks.paths('delete all');
    await remove();

    const invoked = await hooks.install('Mutating', [{ path: '/count', reinvocationPolicy: 'IfNeeded' }, { path: '/mark' }]);
    await api.post(configs, configMap('again'));
    hooks.paths('reinvocation');
    await invoked();
    const settled = await hooks.install('Mutating', [{ path: '/data', reinvocationPolicy: 'IfNeeded' }, { path: '/annotate', reinvocationPolicy: 'IfNeeded' }]);
    await api.post(configs, configMap('settled'));
    hooks.paths('reinvocation of two');
    await settled();
    const never = await hooks.install('Mutating', [{ path: '/count' }, { path: '/mark' }]);
    await api.post(configs, configMap('never'));
    hooks.paths('no reinvocation');
    await never();
    const second = await hooks.install('Mutating', [{ path: '/mark' }], 'z');
    const first = await hooks.install('Mutating', [{ path: '/count' }], 'a');
    await api.post(configs, configMap('ordered'));
    hooks.paths('two configurations');
    await first();
    await second();
    for (const path of ['/no-patch-type', '/bad-patch-type', '/no-patch', '/denied-patch', '/missing-path', '/bad-json', '/bad-op', '/test-fails', '/invalid', '/wrong-type', '/unknown', '/rename', '/move', '/uid', '/finalizer', '/empty']) {
      const removeOne = await hooks.install('Mutating', [{ path }]);
      await api.post(configs, configMap(`with${path.replace('/', '-')}`));
      await api.quiet('PATCH', `${configs}/with-finalizer`, { metadata: { finalizers: null } }, { type: 'application/merge-patch+json' });
      await removeOne();
      const lenient = await hooks.install('Mutating', [{ path, failurePolicy: 'Ignore' }]);
      await api.post(`${configs}?dryRun=All`, configMap(`ignored${path.replace('/', '-')}`));
      await lenient();
    }
    const workloads = await hooks.install('Mutating', [{ path: '/deployment', rules: [{ operations: ['CREATE', 'UPDATE'], apiGroups: ['apps'], apiVersions: ['*'], resources: ['deployments', 'deployments/status', 'deployments/scale'] }] }]);
    const deployments = api.path('apps/v1/deployments');
    await api.post(deployments, { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd' }, spec: { selector: { matchLabels: { a: 'b' } }, template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } } } });
    hooks.paths('deployment');
    await workloads();
    const watching = await hooks.install('Mutating', [{ path: '/allow', rules: [{ operations: ['*'], apiGroups: ['apps'], apiVersions: ['*'], resources: ['*/*'] }] }]);
    await api.quiet('PATCH', `${deployments}/d/scale`, { spec: { replicas: 3 } }, { type: 'application/merge-patch+json' });
    api.transcript.note('scale: asked', hooks.server.take().map(({ review: { request } }) => ({ kind: request.kind, resource: request.resource, subResource: request.subResource, requestKind: request.requestKind, requestResource: request.requestResource, requestSubResource: request.requestSubResource, object: request.object, oldObject: request.oldObject, options: request.options })));
    await api.quiet('PATCH', `${deployments}/d/status`, { status: { observedGeneration: 7 } }, { type: 'application/merge-patch+json' });
    api.transcript.note('status: asked', hooks.server.take().map(({ review: { request } }) => ({ kind: request.kind, resource: request.resource, subResource: request.subResource, requestSubResource: request.requestSubResource, status: request.object.status, oldStatus: request.oldObject.status, options: request.options })));
    await watching();
  },
};

const validating: Scenario = {
  name: 'validating-webhooks',
  run: async (api) => {
    const configs = api.path('v1/configmaps');
    const hooks = await Hooks.start(api, {
      '/message': () => ({ allowed: false, status: { message: 'not like this' } }),
      '/coded': () => ({ allowed: false, status: { code: 409, reason: 'Conflict', message: 'taken already' } }),
      '/reason': () => ({ allowed: false, status: { reason: 'Nope' } }),
      '/odd-code': () => ({ allowed: false, status: { code: 200, message: 'a strange code' } }),
      '/redirect': () => ({ allowed: false, status: { code: 302, message: 'elsewhere' } }),
      '/details': () => ({ allowed: false, status: { code: 422, reason: 'Invalid', message: 'bad fields', details: { name: 'x', kind: 'ConfigMap', causes: [{ reason: 'FieldValueInvalid', message: 'no', field: 'data' }] } } }),
      '/allowed-status': () => ({ allowed: true, status: { code: 400, message: 'ignored' }, warnings: ['one', 'two "quoted"', 'one', 'line\nbreak', `long ${'x'.repeat(300)}`, ''] }),
      '/many-warnings': () => ({ allowed: true, warnings: Array.from({ length: 40 }, (_, index) => `${String(index)} ${'w'.repeat(250)}`) }),
      '/denied-warning': () => ({ allowed: false, warnings: ['and a warning'], status: { message: 'no' } }),
      '/patching': () => ({ allowed: true, patchType: 'JSONPatch', patch: base64([add('/data/a', 'b')]) }),
      '/uid': () => ({ uid: 'other', allowed: true }),
      '/no-uid': () => ({ uid: undefined, allowed: true }),
      '/no-response': raw('{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}'),
      '/no-kind': raw('{"response":{"uid":"x","allowed":true}}'),
      '/other-version': raw('{"apiVersion":"admission.k8s.io/v1beta1","kind":"AdmissionReview","response":{"uid":"x","allowed":true}}'),
      '/no-json': raw('hello'),
      '/empty': raw(''),
      '/500': raw('broken', 500),
      '/404': raw('no such path', 404),
      '/201': raw('{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}', 201),
    });
    for (const path of ['/deny', '/message', '/coded', '/reason', '/odd-code', '/redirect', '/details', '/allowed-status', '/many-warnings', '/denied-warning', '/patching', '/uid', '/no-uid', '/no-response', '/no-kind', '/other-version', '/no-json', '/empty', '/500', '/404', '/201']) {
      const remove = await hooks.install('Validating', [{ path }]);
      await api.post(`${configs}?dryRun=All`, configMap('asked'));
      await remove();
    }
    const ignoring = await hooks.install('Validating', [{ path: '/no-json', failurePolicy: 'Ignore' }, { path: '/500', failurePolicy: 'Ignore' }, { path: '/uid', failurePolicy: 'Ignore' }]);
    await api.post(`${configs}?dryRun=All`, configMap('asked'));
    await ignoring();
    const down = { url: 'https://127.0.0.1:1/x', caBundle: hooks.server.authority };
    const service = (name: string, more: object = {}): object => ({ service: { namespace: '{ns}', name, path: '/allow', ...more }, caBundle: hooks.server.authority });
    await api.quiet('POST', api.path('v1/services'), { metadata: { name: 'nobody' }, spec: { selector: { app: 'nobody' }, ports: [{ port: 443, targetPort: 8443 }] } });
    await api.quiet('POST', api.path('v1/services'), { metadata: { name: 'outside' }, spec: { type: 'ExternalName', externalName: 'example.invalid' } });
    for (const clientConfig of [down, service('none'), service('nobody'), service('nobody', { port: 9443 }), { ...hooks.server.client('/allow'), caBundle: undefined }]) {
      const failing = await hooks.install('Validating', [{ clientConfig }]);
      await api.post(`${configs}?dryRun=All`, configMap('fail'));
      await api.patch('apply', `${configs}/fail?dryRun=All&fieldManager=m`, configMap('fail'));
      await failing();
      const lenient = await hooks.install('Validating', [{ clientConfig, failurePolicy: 'Ignore' }]);
      await api.post(`${configs}?dryRun=All`, configMap('ignore'));
      await lenient();
    }
    const failingFirst = await hooks.install('Mutating', [{ clientConfig: down }]);
    await api.post(`${configs}?dryRun=All`, configMap('fail'));
    await failingFirst();
    const slow = await hooks.install('Validating', [{ path: '/never', timeoutSeconds: 1 }]);
    await api.post(`${configs}?dryRun=All`, configMap('slow'));
    await slow();
    const both = await hooks.install('Validating', [{ path: '/message' }, { path: '/message' }]);
    // They are asked at once: whose words are heard differs.
    const denied = await api.quiet('POST', `${configs}?dryRun=All`, configMap('both'));
    api.transcript.note('two that deny', { code: denied.code, message: String(denied.body.message).replace(/"h\d/, '"h') });
    await both();
    const deleting = await hooks.install('Validating', [{ path: '/message', rules: [{ ...RULE, operations: ['DELETE'] }] }]);
    await api.post(configs, configMap('kept'));
    await api.delete(`${configs}/kept`);
    await api.delete(`${configs}/none`);
    hooks.tell('delete');
    await api.delete(configs);
    await deleting();
  },
};

const selection: Scenario = {
  name: 'webhook-selection',
  run: async (api) => {
    const configs = api.path('v1/configmaps');
    const hooks = await Hooks.start(api, Object.fromEntries(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'].map((name) => [`/${name}`, () => ({ allowed: true })])));
    const own = { 'kubernetes.io/metadata.name': '{ns}' };
    const bySelector = await hooks.install('Validating', [
      { path: '/a', namespaceSelector: { matchLabels: { ...own, team: 'blue' } } },
      { path: '/b', namespaceSelector: { matchLabels: own, matchExpressions: [{ key: 'team', operator: 'DoesNotExist' }] } },
      { path: '/c', objectSelector: { matchLabels: { app: 'web' } } },
      { path: '/d', objectSelector: { matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['web'] }] } },
      { path: '/e', rules: [{ ...RULE, scope: 'Cluster' }] },
      { path: '/f', rules: [{ ...RULE, scope: 'Namespaced', operations: ['CREATE'] }] },
      { path: '/g', rules: [{ ...RULE, resources: ['*'] }] },
      { path: '/h', rules: [{ ...RULE, resources: ['configmaps/*'] }] },
      { path: '/i', rules: [{ ...RULE, apiVersions: ['v2'] }], matchPolicy: 'Exact' },
      { path: '/j', rules: [{ operations: ['UPDATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['namespaces'] }] },
    ]);
    await api.quiet('POST', configs, configMap('plain'));
    hooks.paths('plain');
    await api.quiet('POST', configs, configMap('web', { labels: { app: 'web' } }));
    hooks.paths('with the label');
    await api.quiet('PATCH', `${configs}/web`, { metadata: { labels: { app: 'other' } } }, { type: 'application/merge-patch+json' });
    hooks.paths('the label leaves');
    await api.quiet('DELETE', `${configs}/web`);
    hooks.paths('deletion');
    await api.quiet('PATCH', '/api/v1/namespaces/{ns}', { metadata: { labels: { team: 'blue' } } }, { type: 'application/merge-patch+json' });
    hooks.paths('the namespace gets a label');
    await new Promise((resolve) => { setTimeout(resolve, 300); });
    await api.quiet('POST', configs, configMap('blue'));
    hooks.paths('in a blue namespace');
    await bySelector();

    const conditions = await hooks.install('Validating', [
      { path: '/a', matchConditions: [{ name: 'name', expression: "object.metadata.name.startsWith('yes')" }] },
      { path: '/b', matchConditions: [{ name: 'user', expression: "request.userInfo.username == 'ann'" }] },
      { path: '/c', matchConditions: [{ name: 'first', expression: 'true' }, { name: 'second', expression: "'x' in object.data && object.data.x == 'y'" }] },
      { path: '/d', matchConditions: [{ name: 'old', expression: 'oldObject != null' }] },
      { path: '/e', matchConditions: [{ name: 'operation', expression: "request.operation == 'CREATE' && request.dryRun == false" }] },
      { path: '/f', matchConditions: [{ name: 'resource', expression: "request.resource.resource == 'configmaps' && request.kind.kind == 'ConfigMap' && request.namespace == '{ns}' && request.name != ''" }] },
      { path: '/g', failurePolicy: 'Ignore', matchConditions: [{ name: 'broken', expression: 'object.data.none == "x"' }] },
      { path: '/h', failurePolicy: 'Fail', matchConditions: [{ name: 'broken', expression: "object.metadata.name == 'yes' || object.data.none == 'x'" }, { name: 'no', expression: "object.metadata.name == 'yes'" }] },
      { path: '/i', matchConditions: [{ name: 'may', expression: "authorizer.group('').resource('configmaps').namespace('{ns}').check('get').allowed()" }] },
      { path: '/j', matchConditions: [{ name: 'type', expression: "object.kind == 'ConfigMap' && has(object.metadata.labels) && object.metadata.?labels['a'].orValue('') == 'b'" }] },
    ]);
    await api.quiet('POST', configs, configMap('yes', { labels: { a: 'b' } }));
    hooks.paths('yes');
    await api.quiet('POST', configs, configMap('no'));
    hooks.paths('no');
    await api.quiet('PUT', `${configs}/yes`, configMap('yes'));
    hooks.paths('an update');
    await conditions();
    const broken = await hooks.install('Validating', [{ path: '/a', matchConditions: [{ name: 'broken', expression: 'object.data.none == "x"' }] }]);
    await api.post(configs, configMap('broken'));
    await broken();
    const brokenMutation = await hooks.install('Mutating', [{ path: '/a', matchConditions: [{ name: 'broken', expression: 'object.data.none == "x"' }, { name: 'worse', expression: 'object.worse == 1' }] }]);
    await api.post(configs, configMap('broken'));
    await brokenMutation();
  },
};

const refused: Scenario = {
  name: 'webhook-configurations',
  run: async (api) => {
    const url = 'https://127.0.0.1:1/x';
    const hook = (more: object = {}): object => ({ name: 'h.{ns}.test', clientConfig: { url }, sideEffects: 'None', admissionReviewVersions: ['v1'], rules: [{ ...RULE, apiGroups: ['{ns}.test'] }], ...more });
    const post = (kind: string, ...webhooks: object[]) => api.post(`${CONFIGURATIONS}/${kind}webhookconfigurations`, { metadata: { name: '{ns}' }, webhooks });
    await post('validating', hook());
    api.onEnd(async () => api.quiet('DELETE', `${CONFIGURATIONS}/validatingwebhookconfigurations/{ns}`));
    api.onEnd(async () => api.quiet('DELETE', `${CONFIGURATIONS}/mutatingwebhookconfigurations/{ns}`));
    await post('mutating', hook({ clientConfig: { service: { namespace: 'default', name: 'none' } }, objectSelector: { matchLabels: { a: 'b' } } }));
    await api.patch('strategic', `${CONFIGURATIONS}/mutatingwebhookconfigurations/{ns}`, { webhooks: [{ name: 'h.{ns}.test', clientConfig: { caBundle: Buffer.from('x').toString('base64') } }] });
    for (const path of ['mutating', 'validating']) await api.get(`${CONFIGURATIONS}/${path}webhookconfigurations?fieldSelector=metadata.name%3D{ns}`, { headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' } });
    await api.patch('json', `${CONFIGURATIONS}/validatingwebhookconfigurations/{ns}`, [{ op: 'replace', path: '/webhooks/0/failurePolicy', value: 'Ignore' }]);
    for (const [kind, more] of [
      ['validating', { sideEffects: 'Some' }], ['validating', { sideEffects: undefined }], ['validating', { admissionReviewVersions: ['v9'] }], ['validating', { admissionReviewVersions: [] }], ['validating', { admissionReviewVersions: ['v1', 'v1'] }],
      ['validating', { clientConfig: {} }], ['validating', { clientConfig: { url, service: { namespace: 'a', name: 'b' } } }], ['validating', { clientConfig: { url: 'http://127.0.0.1/x' } }], ['validating', { clientConfig: { url: 'https://user:p@127.0.0.1/x?q=1#f' } }], ['validating', { clientConfig: { service: { namespace: '', name: '', path: 'x//y', port: 0 } } }],
      ['validating', { rules: [{ ...RULE, operations: ['*', 'CREATE'] }] }], ['validating', { rules: [{ ...RULE, operations: ['READ'] }] }], ['validating', { rules: [{ operations: [], apiGroups: [], apiVersions: [], resources: [] }] }], ['validating', { rules: [{ ...RULE, resources: ['*', 'pods'] }] }], ['validating', { rules: [{ ...RULE, resources: ['*/*', 'pods/*'] }] }], ['validating', { rules: [{ ...RULE, scope: 'Here' }] }], ['validating', { rules: [{ ...RULE, apiGroups: ['*', 'apps'] }] }],
      ['validating', { failurePolicy: 'Maybe' }], ['validating', { matchPolicy: 'Near' }], ['validating', { timeoutSeconds: 0 }], ['validating', { timeoutSeconds: 31 }], ['validating', { name: 'short' }], ['validating', { name: 'Bad_Name.{ns}.test' }], ['mutating', { reinvocationPolicy: 'Always' }],
      ['validating', { namespaceSelector: { matchExpressions: [{ key: 'a', operator: 'Near' }] } }], ['validating', { objectSelector: { matchLabels: { 'bad key!': 'x' } } }],
      ['validating', { matchConditions: [{ name: '', expression: '' }] }], ['validating', { matchConditions: [{ name: 'a', expression: 'true' }, { name: 'a', expression: 'true' }] }], ['validating', { matchConditions: [{ name: 'a', expression: '1' }] }], ['validating', { matchConditions: [{ name: 'bad name!', expression: 'true' }] }],
    ] as const) {
      const answer = await api.quiet('POST', `${CONFIGURATIONS}/${kind}webhookconfigurations?dryRun=All`, { metadata: { name: 'bad.{ns}' }, webhooks: [hook(more)] });
      api.transcript.record(`POST ${kind} ${JSON.stringify(more)}`, answer);
    }
    await post('validating', hook(), hook());
    await api.post(`${CONFIGURATIONS}/validatingwebhookconfigurations?dryRun=All`, { metadata: { name: 'twice.{ns}' }, webhooks: [hook(), hook()] });
    await api.post(`${CONFIGURATIONS}/mutatingwebhookconfigurations?dryRun=All`, { metadata: { name: 'empty.{ns}' } });
    const compile = async (expression: string) => {
      const answer = await api.quiet('POST', `${CONFIGURATIONS}/validatingwebhookconfigurations?dryRun=All`, { metadata: { name: 'cel.{ns}' }, webhooks: [hook({ matchConditions: [{ name: 'c', expression }] })] });
      api.transcript.note(`match condition ${expression}`, { code: answer.code, reason: answer.body.reason, fields: answer.body.details?.causes?.map((cause: { field: string; reason: string }) => `${cause.reason} ${cause.field}`) });
    };
    for (const expression of ['object.metadata.name ==', 'nothing == 1', 'request.unknown == 1', 'object.anything == 1', 'request.userInfo.groups.exists(g, g == "a")', 'authorizer.path("/x").check("get").allowed()', 'variables.x == 1', 'params.x == 1', 'namespaceObject.metadata.name == "x"', 'request.object == 1', 'object.metadata.labels.matches("x")', 'quantity("1").isGreaterThan(quantity("2"))'])
      await compile(expression);
  },
};

const versions: Scenario = {
  name: 'webhook-versions',
  run: async (api) => {
    const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
    const schema = { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties: { a: { type: 'string', default: 'filled' }, b: { type: 'string' } } } } } };
    await api.quiet('POST', CRDS, { metadata: { name: 'boats.{ns}.test' }, spec: { group: '{ns}.test', scope: 'Namespaced', names: { plural: 'boats', kind: 'Boat' }, versions: ['v1', 'v2'].map((name) => ({ name, served: true, storage: name === 'v1', schema, subresources: { status: {} } })) } });
    api.onEnd(async () => api.quiet('DELETE', `${CRDS}/boats.{ns}.test`));
    const boats = (version: string): string => `/apis/{ns}.test/${version}/namespaces/{ns}/boats`;
    for (let left = 200; left > 0; left -= 1) {
      if ((await api.quiet('GET', boats('v1'))).code === 200 && (await api.quiet('POST', `${boats('v2')}?dryRun=All`, { kind: 'Nothing' })).code !== 404) break;
      await new Promise((resolve) => { setTimeout(resolve, 50); });
    }
    const hooks = await Hooks.start(api, { '/patch': () => patch(add('/spec/b', 'patched')), '/strange': () => patch(add('/spec/c', 'unknown'), { op: 'remove', path: '/spec/a' }) });
    const rule = (apiVersions: string[], resources = ['boats']): object => ({ rules: [{ operations: ['*'], apiGroups: ['{ns}.test'], apiVersions, resources }] });
    const remove = await hooks.install('Validating', [
      { path: '/allow', ...rule(['v1']) }, { path: '/allow', ...rule(['v1']), matchPolicy: 'Exact' }, { path: '/allow', ...rule(['v2']), matchPolicy: 'Exact' }, { path: '/allow', ...rule(['*'], ['*/*']) },
    ]);
    const told = (what: string): void => { api.transcript.note(`${what}: asked`, hooks.server.take().map(({ review: { request } }) => ({ kind: request.kind, resource: request.resource, requestKind: request.requestKind, requestResource: request.requestResource, subResource: request.subResource, requestSubResource: request.requestSubResource, object: request.object, oldObject: request.oldObject })).toSorted((a, b) => (JSON.stringify(a.kind) < JSON.stringify(b.kind) ? -1 : 1))); };
    const boat = (version: string, name: string): object => ({ apiVersion: `{ns}.test/${version}`, kind: 'Boat', metadata: { name }, spec: {} });
    await api.post(boats('v1'), boat('v1', 'one'));
    told('create in v1');
    await api.post(boats('v2'), boat('v2', 'two'));
    told('create in v2');
    await api.patch('merge', `${boats('v2')}/two/status`, { status: { x: 1 } });
    told('status in v2');
    await api.delete(`${boats('v2')}/two`);
    told('delete in v2');
    await remove();
    const changing = await hooks.install('Mutating', [{ path: '/patch', ...rule(['v1']) }]);
    await api.post(boats('v2'), boat('v2', 'changed'));
    await changing();
    const strange = await hooks.install('Mutating', [{ path: '/strange', ...rule(['v1']) }]);
    await api.post(boats('v1'), boat('v1', 'strange'));
    await strange();
  },
};

/** Scenarios of admission webhooks. */
export const ADMISSION_SCENARIOS: readonly Scenario[] = [mutating, validating, selection, refused, versions];
