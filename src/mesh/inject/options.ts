// What injection needs to know besides the pod, and the parsers of the operator's two files. See docs/architecture/injection.md.
import { parse as parseYaml } from 'yaml';
import type { LabelSelector } from '../../shared/api/meta/index.ts';
import { err, errorIssue, ok, type Issue, type Result } from '../../shared/lib/index.ts';
import { isPlainObject, type PlainObject } from './pod.ts';
import { compileTemplate, type CompiledTemplate } from './template.ts';

/** The `config` file: who is injected by default, and with which templates. */
export interface InjectionConfig {
  readonly policy: 'enabled' | 'disabled';
  readonly alwaysInjectSelector: readonly LabelSelector[];
  readonly neverInjectSelector: readonly LabelSelector[];
  readonly injectedAnnotations: Readonly<Record<string, string>>;
  readonly defaultTemplates: readonly string[];
  readonly aliases: Readonly<Record<string, readonly string[]>>;
  readonly templates: ReadonlyMap<string, CompiledTemplate>;
}

/** The namespace of the pod; labels are absent when mizzend may not read the namespace. */
export interface InjectionNamespace {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

/** Everything that decides an injection besides the pod. */
export interface InjectOptions {
  readonly config: InjectionConfig;
  readonly values: PlainObject;
  readonly meshConfig: PlainObject;
  readonly namespace: InjectionNamespace;
  readonly revision: string;
  readonly istioNamespace: string;
  readonly trustDomain: string;
  readonly domain: string;
}

const CODE = 'MESH_INJECT_CONFIG';

/** Parses and compiles the injection ConfigMap's `config` key. */
export function parseInjectionConfig(text: string): Result<InjectionConfig, Issue[]> {
  let root: unknown;
  try {
    root = parseYaml(text);
  } catch (error) {
    return err([errorIssue(CODE, 'config', `the injection configuration is not YAML: ${(error as Error).message}`)]);
  }
  if (!isPlainObject(root)) return err([errorIssue(CODE, 'config', 'the injection configuration must be a map with the keys policy and templates')]);
  const issues: Issue[] = [];
  const templates = compileTemplates(root['templates'], issues);
  const policy = root['policy'] ?? 'enabled';
  if (policy !== 'enabled' && policy !== 'disabled') issues.push(errorIssue(CODE, 'policy', 'must be enabled or disabled'));
  const defaultTemplates = textList(root['defaultTemplates'], ['sidecar'], 'defaultTemplates', issues);
  for (const name of defaultTemplates) if (!templates.has(name)) issues.push(errorIssue(CODE, 'defaultTemplates', `names the template ${name}, which is not among templates`));
  const config: InjectionConfig = {
    policy: policy === 'disabled' ? 'disabled' : 'enabled',
    alwaysInjectSelector: selectors(root['alwaysInjectSelector'], 'alwaysInjectSelector', issues),
    neverInjectSelector: selectors(root['neverInjectSelector'], 'neverInjectSelector', issues),
    injectedAnnotations: textMap(root['injectedAnnotations'], 'injectedAnnotations', issues),
    defaultTemplates,
    aliases: Object.fromEntries(Object.entries(isPlainObject(root['aliases']) ? root['aliases'] : {}).map(([name, list]) => [name, textList(list, [], `aliases.${name}`, issues)])),
    templates,
  };
  return issues.length > 0 ? err(issues) : ok(config);
}

/** Parses the injection ConfigMap's `values` key. */
export function parseInjectionValues(text: string): Result<PlainObject, Issue[]> {
  try {
    const values: unknown = JSON.parse(text);
    if (isPlainObject(values)) return ok(values);
    return err([errorIssue(CODE, 'values', 'must be a JSON object')]);
  } catch (error) {
    return err([errorIssue(CODE, 'values', `is not JSON: ${(error as Error).message}`)]);
  }
}

function compileTemplates(value: unknown, issues: Issue[]): Map<string, CompiledTemplate> {
  const templates = new Map<string, CompiledTemplate>();
  if (!isPlainObject(value)) {
    issues.push(errorIssue(CODE, 'templates', 'must be a map of template names to texts'));
    return templates;
  }
  for (const [name, text] of Object.entries(value)) {
    if (typeof text !== 'string') {
      issues.push(errorIssue(CODE, `templates.${name}`, 'must be text'));
      continue;
    }
    const compiled = compileTemplate(name, text);
    if (compiled.ok) templates.set(name, compiled.value);
    else issues.push(...compiled.error);
  }
  return templates;
}

function selectors(value: unknown, path: string, issues: Issue[]): LabelSelector[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value) && value.every(isPlainObject)) return value as LabelSelector[];
  issues.push(errorIssue(CODE, path, 'must be a list of label selectors'));
  return [];
}

function textList(value: unknown, fallback: readonly string[], path: string, issues: Issue[]): readonly string[] {
  if (value === undefined || value === null) return fallback;
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value as string[];
  issues.push(errorIssue(CODE, path, 'must be a list of names'));
  return fallback;
}

function textMap(value: unknown, path: string, issues: Issue[]): Record<string, string> {
  if (value === undefined || value === null) return {};
  if (isPlainObject(value) && Object.values(value).every((item) => typeof item === 'string')) return value as Record<string, string>;
  issues.push(errorIssue(CODE, path, 'must be a map of text to text'));
  return {};
}
