// Injection from outside: YAML of a pod in, YAML of the injected pod out, and the patch that gets there.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { injectPod, parseInjectionConfig, parseInjectionValues, type InjectOptions, type JsonPatchOperation, type Pod } from './index.ts';
import { diffAsJsonPatch } from './json-patch.ts';

const testdata = join(import.meta.dirname, 'testdata');
const templates = join(import.meta.dirname, '../../../templates');
const config = parseInjectionConfig(readFileSync(join(testdata, 'config.yaml'), 'utf8'));
const values = { global: { hub: 'example.com/mizzen', tag: 'v3.0.0', proxy: { image: 'mizzen-proxy' } } };

function options(changes: Partial<InjectOptions> = {}): InjectOptions {
  if (!config.ok) throw new Error(JSON.stringify(config.error));
  return {
    config: config.value, values, meshConfig: {}, namespace: { name: 'bookinfo', labels: {} }, revision: 'basic', istioNamespace: 'istio-system', trustDomain: 'cluster.local', domain: 'cluster.local', ...changes,
  };
}

function injected(pod: Pod, changes: Partial<InjectOptions> = {}): { pod: Pod; patch: readonly JsonPatchOperation[] } {
  const result = injectPod(pod, options(changes));
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  if ('skipped' in result.value) throw new Error(result.value.skipped);
  return result.value;
}

function outcome(pod: Pod, changes: Partial<InjectOptions> = {}): string {
  const result = injectPod(pod, options(changes));
  if (!result.ok) return result.error.map((issue) => `${issue.path}: ${issue.message}`).join('\n');
  return 'skipped' in result.value ? `skipped: ${result.value.skipped}` : `injected: ${result.value.reason}`;
}

/** Applies the operations the way the API server does, as far as they are used. */
function applyPatch(document: object, patch: readonly JsonPatchOperation[]): object {
  const copy = structuredClone(document) as Record<string, unknown>;
  for (const operation of patch) {
    const path = operation.path.slice(1).split('/').map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
    const last = path.pop() ?? '';
    let target = copy;
    for (const part of path) target = target[part] as Record<string, unknown>;
    if (operation.op === 'remove') delete target[last];
    else target[last] = operation.value;
  }
  return copy;
}

describe('injectPod', () => {
  for (const file of readdirSync(testdata).filter((name) => name.endsWith('.in.yaml'))) {
    test(`golden ${file}`, async () => {
      const pod = parse(readFileSync(join(testdata, file), 'utf8')) as Pod;
      const result = injected(pod);
      expect(applyPatch(pod, result.patch)).toEqual(JSON.parse(JSON.stringify(result.pod)));
      await expect(stringify(result.pod, { lineWidth: 0 })).toMatchFileSnapshot(join(testdata, file.replace('.in.', '.out.')));
    });
  }

  const pod: Pod = { metadata: { name: 'p' }, spec: { containers: [{ name: 'app', image: 'app' }] } };
  const withLabels = (labels: Record<string, string>, annotations: Record<string, string> = {}): Pod => ({ ...pod, metadata: { name: 'p', labels, annotations } });
  const namespace = (labels: Record<string, string>): Partial<InjectOptions> => ({ namespace: { name: 'ns', labels } });
  const disabled = (): Partial<InjectOptions> => ({ config: { ...options().config, policy: 'disabled' } });

  test.each<[string, Pod, Partial<InjectOptions>, string]>([
    ['policy enabled', pod, {}, 'injected: injection policy enabled'],
    ['policy disabled', pod, disabled(), 'skipped: injection policy disabled'],
    ['host network', { ...pod, spec: { ...pod.spec, hostNetwork: true } }, {}, 'skipped: the pod uses the host network'],
    ['system namespace', pod, { namespace: { name: 'kube-system' } }, 'skipped: namespace kube-system is never injected'],
    ['label says no', withLabels({ 'sidecar.istio.io/inject': 'false' }, { 'sidecar.istio.io/inject': 'true' }), {}, 'skipped: label sidecar.istio.io/inject=false'],
    ['annotation says yes although the namespace says no', withLabels({}, { 'sidecar.istio.io/inject': 'yes' }), namespace({ 'istio-injection': 'disabled' }), 'injected: annotation sidecar.istio.io/inject=yes'],
    ['namespace says no', pod, namespace({ 'istio-injection': 'disabled' }), 'skipped: namespace ns has istio-injection=disabled'],
    ['namespace asks although the policy is disabled', pod, { ...disabled(), ...namespace({ 'istio-injection': 'enabled' }) }, 'injected: namespace ns has istio-injection=enabled'],
    ['namespace asks for this revision', pod, { ...disabled(), ...namespace({ 'istio.io/rev': 'basic' }) }, 'injected: namespace ns has istio.io/rev=basic'],
    ['namespace asks for another revision', pod, { ...disabled(), ...namespace({ 'istio.io/rev': 'other' }) }, 'skipped: injection policy disabled'],
    ['never selector', withLabels({ job: 'batch' }), {}, 'skipped: neverInjectSelector matches'],
    ['always selector', withLabels({ mesh: 'please' }), disabled(), 'injected: alwaysInjectSelector matches'],
    ['injected before', withLabels({}, { 'sidecar.istio.io/status': '{}' }), {}, 'skipped: the pod already has a proxy'],
    ['unknown template', withLabels({}, { 'inject.istio.io/templates': 'nope' }), {}, 'metadata.annotations[inject.istio.io/templates]: names the injection template nope'],
    ['template that gives no map', withLabels({}, { 'inject.istio.io/templates': 'broken' }), {}, 'templates.broken.spec: must be a map'],
    ['template that misses a value', withLabels({}, { 'inject.istio.io/templates': 'unrendered' }), {}, 'templates.unrendered: does not render to YAML: set values.absent'],
    ['malformed proxy config', withLabels({}, { 'proxy.istio.io/config': '[1' }), {}, 'metadata.annotations[proxy.istio.io/config]: is not YAML'],
    ['unknown interception mode', withLabels({}, { 'sidecar.istio.io/interceptionMode': 'MAGIC' }), {}, 'metadata.annotations[sidecar.istio.io/interceptionMode]: is MAGIC'],
  ])('%s', (_name, input, changes, expected) => {
    expect(outcome(input, changes)).toContain(expected);
  });

  test('injecting what was injected changes nothing', () => {
    expect(outcome(injected(pod).pod)).toBe('skipped: the pod already has a proxy');
  });

  test('the proxy is the first container when applications wait for it, and the last otherwise', () => {
    const names = (changes: Partial<InjectOptions>): string[] => (injected(pod, changes).pod.spec?.containers ?? []).map((container) => container.name);
    expect(names({})).toEqual(['app', 'istio-proxy']);
    expect(names({ values: { ...values, global: { ...values.global, proxy: { image: 'x/y', holdApplicationUntilProxyStarts: true } } } })).toEqual(['istio-proxy', 'app']);
  });

  test.each(readdirSync(templates).filter((name) => /^v\d/.test(name)))('the installed templates of %s inject a sidecar and a gateway', (version) => {
    const text = (name: string): string => readFileSync(join(templates, version, 'injection', `${name}.yaml.hbs`), 'utf8');
    const shipped = parseInjectionConfig(stringify({ policy: 'enabled', templates: { sidecar: text('sidecar'), gateway: text('gateway') } }));
    if (!shipped.ok) throw new Error(JSON.stringify(shipped.error));
    for (const mode of ['REDIRECT', 'NONE']) {
      const sidecar = injected({ ...pod, metadata: { name: 'p', annotations: { 'sidecar.istio.io/interceptionMode': mode } } }, { config: shipped.value });
      const proxy = sidecar.pod.spec?.containers?.find((container) => container.name === 'istio-proxy');
      expect(proxy?.image).toBe('example.com/mizzen/mizzen-proxy:v3.0.0');
      expect(JSON.parse(proxy?.env?.find(({ name }) => name === 'PROXY_CONFIG')?.value ?? '')).toMatchObject({ discoveryAddress: 'istiod-basic.istio-system.svc:15012' });
      expect(sidecar.pod.spec?.containers?.[0]?.env?.some(({ name }) => name === 'HTTP_PROXY') ?? false).toBe(mode === 'NONE');
    }
    const gateway = injected({ metadata: { name: 'g', annotations: { 'inject.istio.io/templates': 'gateway' } }, spec: { containers: [{ name: 'istio-proxy', image: 'auto', imagePullPolicy: 'Always' }] } }, { config: shipped.value });
    expect(gateway.pod.spec?.containers?.map(({ name, image, imagePullPolicy }) => [name, image, imagePullPolicy])).toEqual([['istio-proxy', 'example.com/mizzen/mizzen-proxy:v3.0.0', 'IfNotPresent']]);
  });
});

describe('hostile annotations', () => {
  const asked = (annotations: Record<string, string>, mode: 'NONE' | 'REDIRECT' = 'NONE'): string => {
    const text = readFileSync(join(templates, 'v3.0/injection/sidecar.yaml.hbs'), 'utf8');
    const installed = parseInjectionConfig(stringify({ policy: 'enabled', templates: { sidecar: text } }));
    if (!installed.ok) throw new Error(JSON.stringify(installed.error));
    const pod: Pod = { metadata: { name: 'p', annotations: { 'sidecar.istio.io/interceptionMode': mode, ...annotations } }, spec: { containers: [{ name: 'app', image: 'app' }] } };
    const result = injectPod(pod, options({ config: installed.value }));
    return result.ok ? JSON.stringify(result.value) : result.error.map((issue) => `${issue.path}: ${issue.message}`).join('\n');
  };

  test.each([
    ['proxy.istio.io/config', 'proxyHttpPort: "1\\"}\\n    - {name: PWNED, value: \\"a"', 'NONE'],
    ['traffic.sidecar.istio.io/excludeInboundPorts', '1"\n        - PWNED\n        - "', 'REDIRECT'],
    ['proxy.istio.io/config', 'proxyMetadata: { "X, value: PWNED }\\n        - { name: Y": z }', 'NONE'],
  ] as const)('%s adds nothing to the pod', (annotation, value, mode) => {
    expect(asked({ [annotation]: value }, mode)).not.toMatch(/"name":"PWNED"|"PWNED"|"value":"PWNED/);
  });

  test('a huge or recursive ProxyConfig is refused at once', () => {
    expect(asked({ 'proxy.istio.io/config': Array.from({ length: 20_000 }, (_unused, index) => `k${index}: v`).join('\n') })).toContain('at most 16384 are read');
    expect(asked({ 'proxy.istio.io/config': 'a: &a [x, x]\nb: [*a, *a]\n' })).toMatch(/is not YAML|alias/);
  });

  test('a template is named by its own name only', () => {
    expect(asked({ 'inject.istio.io/templates': '__proto__' })).toContain('names the injection template __proto__; there are sidecar');
  });
});

describe('parseInjectionConfig', () => {
  test.each([
    ['a list', '[]', 'must be a map'],
    ['no YAML', 'a: [', 'is not YAML'],
    ['no templates', 'policy: enabled', 'templates: must be a map'],
    ['unknown policy', 'policy: maybe\ntemplates: { sidecar: "spec: {}" }', 'policy: must be enabled or disabled'],
    ['template with a syntax error', 'templates: { sidecar: "{{#if}}" }', 'templates.sidecar: does not parse'],
    ['default template that does not exist', 'defaultTemplates: [x]\ntemplates: { sidecar: "spec: {}" }', 'defaultTemplates: names the template x'],
  ])('refuses %s', (_name, text, expected) => {
    const result = parseInjectionConfig(text);
    expect(result.ok ? '' : result.error.map((issue) => `${issue.path}: ${issue.message}`).join('\n')).toContain(expected);
  });

  test('values must be a JSON object', () => {
    expect(parseInjectionValues('{"global":{}}')).toEqual({ ok: true, value: { global: {} } });
    expect(parseInjectionValues('[]').ok).toBe(false);
    expect(parseInjectionValues('{').ok).toBe(false);
  });
});

describe('diffAsJsonPatch', () => {
  const json = fc.dictionary(fc.string(), fc.oneof(fc.integer(), fc.string(), fc.array(fc.integer()), fc.dictionary(fc.string(), fc.integer())));
  test('applied to the first document gives the second', () => {
    fc.assert(fc.property(json, json, (before, after) => {
      const named = (document: Record<string, unknown>): Record<string, unknown> => Object.fromEntries(Object.entries(document).filter(([key]) => key !== '__proto__'));
      expect(applyPatch(named(before), diffAsJsonPatch(named(before), named(after)))).toEqual(named(after));
    }));
  });
});
