// Values -> manifests in waves: renders every component's templates, parses the YAML, marks each object as the mesh's own.
import { parseAllDocuments } from 'yaml';
import type { KubernetesObject } from '../../shared/api/meta/index.ts';
import { err, errorIssue, ok, type Issue, type Result } from '../../shared/lib/index.ts';
import type { Component, VersionDirectory } from '../versions/index.ts';
import type { Facts } from './facts.ts';
import { GENERATION_ANNOTATION, manifestLabels } from './ownership.ts';
import { templateEngine, type RenderTemplate } from './template-engine.ts';
import type { Values } from './values.ts';

/** One object to be applied. */
export interface Manifest {
  readonly component: string;
  readonly object: KubernetesObject & { readonly apiVersion: string; readonly kind: string };
}

/** The objects of one wave, in the order in which they are applied. */
export interface ManifestWave {
  readonly name: string;
  readonly deadlineSeconds: number;
  readonly components: readonly string[];
  readonly manifests: readonly Manifest[];
}

/** Order of kinds inside a wave: what others refer to comes first. */
const KIND_ORDER = ['Namespace', 'NetworkPolicy', 'PodDisruptionBudget', 'ServiceAccount', 'Secret', 'ConfigMap', 'ClusterRole', 'ClusterRoleBinding', 'Role', 'RoleBinding', 'Service', 'DaemonSet', 'Deployment', 'HorizontalPodAutoscaler',
  'MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration'];

const CLUSTER_KINDS = new Set(['ClusterRole', 'ClusterRoleBinding', 'MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration']);

/** Renders every wave of a version. */
export function renderWaves(directory: VersionDirectory, values: Values, facts: Facts): Result<ManifestWave[], Issue[]> {
  const render = templateEngine(directory.files);
  const issues: Issue[] = [];
  const waves = directory.descriptor.waves.map((wave): ManifestWave => {
    const components = wave.components.filter((component) => isWanted(component, values));
    const manifests = components.flatMap((component) => {
      const rendered = renderComponent(component, directory, values, facts, render);
      if (rendered.ok) return rendered.value;
      issues.push(...rendered.error);
      return [];
    });
    return { name: wave.name, deadlineSeconds: wave.deadlineSeconds, components: components.map((component) => component.name), manifests: sortManifests(manifests) };
  });
  return issues.length > 0 ? err(issues) : ok(waves);
}

function isWanted(component: Component, values: Values): boolean {
  if (component.when !== undefined && valueAt(values, component.when) !== true) return false;
  return component.forEach === undefined || itemsOf(values, component.forEach).length > 0;
}

function valueAt(values: Values, path: string): unknown {
  return path.split('.').reduce<unknown>((value, key) => (typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined), values);
}

function itemsOf(values: Values, name: string): readonly unknown[] {
  const items = values[name];
  return Array.isArray(items) ? items : [];
}

function renderComponent(component: Component, directory: VersionDirectory, values: Values, facts: Facts, render: RenderTemplate): Result<Manifest[], Issue[]> {
  const contexts = component.forEach === undefined ? [values] : itemsOf(values, component.forEach).map((gateway) => ({ ...values, gateway }));
  const prefix = `components/${component.directory}/`;
  const paths = [...directory.files.keys()].filter((path) => path.startsWith(prefix) && path.endsWith('.hbs')).sort();
  if (paths.length === 0) return err([errorIssue('MESH_OP_TEMPLATE_MISSING', prefix, `version ${directory.descriptor.name} has no templates for component ${component.name}`)]);
  const manifests: Manifest[] = [];
  for (const context of contexts) {
    for (const path of paths) {
      const text = render(path, context);
      if (!text.ok) return text;
      const objects = parseObjects(path, text.value);
      if (!objects.ok) return objects;
      for (const object of objects.value) manifests.push({ component: component.name, object: owned(object, component.name, facts) });
    }
  }
  return ok(manifests);
}

function parseObjects(path: string, text: string): Result<Manifest['object'][], Issue[]> {
  const objects: Manifest['object'][] = [];
  for (const document of parseAllDocuments(text)) {
    const [problem] = document.errors;
    if (problem) return err([errorIssue('MESH_OP_TEMPLATE', path, `the template does not render to YAML: ${problem.message}`)]);
    const object = document.toJS() as Manifest['object'] | null;
    if (object === null) continue;
    if (!object.apiVersion || !object.kind || !object.metadata?.name) return err([errorIssue('MESH_OP_TEMPLATE', path, 'an object of the template lacks apiVersion, kind or metadata.name')]);
    objects.push(withoutNulls(object) as Manifest['object']);
  }
  return ok(objects);
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).filter(([, child]) => child !== null).map(([key, child]) => [key, withoutNulls(child)]));
}

function owned(object: Manifest['object'], component: string, facts: Facts): Manifest['object'] {
  const { metadata = {} } = object;
  const clusterScoped = CLUSTER_KINDS.has(object.kind);
  const inMeshNamespace = !clusterScoped && (metadata.namespace ?? facts.namespace) === facts.namespace;
  return {
    ...object,
    metadata: {
      ...metadata,
      ...(clusterScoped ? {} : { namespace: metadata.namespace ?? facts.namespace }),
      labels: { ...metadata.labels, ...manifestLabels(component, facts) },
      annotations: { ...metadata.annotations, [GENERATION_ANNOTATION]: facts.meshGeneration },
      ...(inMeshNamespace
        ? { ownerReferences: [{ apiVersion: 'maistra.io/v2', kind: 'ServiceMeshControlPlane', name: facts.name, uid: facts.uid, controller: true, blockOwnerDeletion: true }] }
        : {}),
    },
  };
}

function sortManifests(manifests: readonly Manifest[]): Manifest[] {
  const rank = (manifest: Manifest): number => {
    const index = KIND_ORDER.indexOf(manifest.object.kind);
    return index < 0 ? KIND_ORDER.length : index;
  };
  return manifests.map((manifest, index) => ({ manifest, index })).sort((left, right) => rank(left.manifest) - rank(right.manifest) || left.index - right.index).map(({ manifest }) => manifest);
}
