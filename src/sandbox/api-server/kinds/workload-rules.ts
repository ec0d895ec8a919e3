// Defaults and validation of Deployments, ReplicaSets, DaemonSets and StatefulSets.
import { forbiddenField, invalidField, unsupportedField, type FieldError } from '../../schema/index.ts';
import type { KubeObject } from '../../store/index.ts';
import type { KindRules } from './kind-rules.ts';
import { defaultPodSpec } from './pod-rules.ts';
import { validateTemplate } from './template-rules.ts';

/** Fills in what a pod template's fields imply. */
export function defaultTemplate(object: KubeObject): void {
  const template = object.spec?.template;
  if (!template) return;
  template.metadata ??= {};
  if (template.spec) defaultPodSpec(template.spec);
}

/** Errors for fields of the spec that an update may not change. */
export function immutable(object: KubeObject, old: KubeObject | undefined, fields: readonly string[]): FieldError[] {
  if (!old) return [];
  return fields.filter((field) => JSON.stringify(object.spec?.[field]) !== JSON.stringify(old.spec?.[field])).map((field) => invalidField(`spec.${field}`, object.spec?.[field], 'field is immutable'));
}

/** Errors for counts below zero. */
export function nonNegative(object: KubeObject, fields: readonly string[]): FieldError[] {
  return fields.filter((field) => object.spec?.[field] < 0).map((field) => invalidField(`spec.${field}`, object.spec[field], 'must be greater than or equal to 0'));
}

function validateStrategy(object: KubeObject): FieldError[] {
  const { strategy } = object.spec;
  if (!['Recreate', 'RollingUpdate'].includes(strategy?.type)) return [unsupportedField('spec.strategy', { Type: strategy?.type ?? '', RollingUpdate: strategy?.rollingUpdate ?? null }, ['Recreate', 'RollingUpdate'])];
  if (strategy.type === 'Recreate' && strategy.rollingUpdate) return [forbiddenField('spec.strategy.rollingUpdate', "may not be specified when strategy `type` is 'Recreate'")];
  const { maxUnavailable, maxSurge } = strategy.rollingUpdate ?? {};
  const isZero = (value: unknown): boolean => value === 0 || value === '0%';
  return isZero(maxUnavailable) && isZero(maxSurge) ? [invalidField('spec.strategy.rollingUpdate.maxUnavailable', maxUnavailable, 'may not be 0 when `maxSurge` is 0')] : [];
}

/** Rules of Deployments. */
export const DEPLOYMENT_RULES: KindRules = {
  generation: true,
  applyDefaults: (object) => {
    defaultTemplate(object);
    const strategy = object.spec?.strategy;
    if (strategy?.type === 'RollingUpdate') {
      strategy.rollingUpdate ??= {};
      strategy.rollingUpdate.maxUnavailable ??= '25%';
      strategy.rollingUpdate.maxSurge ??= '25%';
    } else if (strategy?.type === 'Recreate' && strategy.rollingUpdate === null) delete strategy.rollingUpdate;
  },
  validate: (object, old) => [...validateTemplate(object), ...validateStrategy(object), ...nonNegative(object, ['replicas', 'minReadySeconds', 'revisionHistoryLimit']), ...immutable(object, old, ['selector'])],
};

/** Rules of ReplicaSets. */
export const REPLICA_SET_RULES: KindRules = {
  generation: true,
  applyDefaults: defaultTemplate,
  validate: (object, old) => [...validateTemplate(object), ...nonNegative(object, ['replicas', 'minReadySeconds']), ...immutable(object, old, ['selector'])],
};

const GENERATION = 'deprecated.daemonset.template.generation';

/** Counts the changes of a template, in an annotation that nobody needs any more. */
function countTemplates(object: KubeObject, old: KubeObject | undefined): void {
  if (!old) return;
  const before = Number(old.metadata.annotations?.[GENERATION] ?? 1);
  const isSame = JSON.stringify(object.spec?.template) === JSON.stringify(old.spec?.template);
  object.metadata.annotations = { ...object.metadata.annotations, [GENERATION]: String(isSame ? before : before + 1) };
}

/** Rules of DaemonSets. */
export const DAEMON_SET_RULES: KindRules = {
  generation: true,
  prepare: countTemplates,
  applyDefaults: (object) => {
    defaultTemplate(object);
    const strategy = object.spec?.updateStrategy;
    object.metadata.annotations = { [GENERATION]: '1', ...object.metadata.annotations };
    if (strategy?.type === 'RollingUpdate') strategy.rollingUpdate ??= { maxUnavailable: 1, maxSurge: 0 };
  },
  validate: (object, old) => [
    ...validateTemplate(object),
    ...validateUpdateStrategy(object),
    ...nonNegative(object, ['minReadySeconds', 'revisionHistoryLimit']),
    ...immutable(object, old, ['selector']),
  ],
};

function validateUpdateStrategy(object: KubeObject): FieldError[] {
  const type: unknown = object.spec?.updateStrategy?.type;
  return type === 'RollingUpdate' || type === 'OnDelete' ? [] : [invalidField('spec.updateStrategy', { Type: type ?? '', RollingUpdate: null }, "must be 'RollingUpdate' or 'OnDelete'")];
}

/** What an update of a StatefulSet may change. */
const MUTABLE = ['replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy', 'minReadySeconds'];

function validateSetUpdate(object: KubeObject, old: KubeObject | undefined): FieldError[] {
  if (!old) return [];
  const fixed = (spec: Record<string, unknown>): string => JSON.stringify(Object.entries(spec).filter(([name]) => !MUTABLE.includes(name)).sort());
  if (fixed(object.spec) === fixed(old.spec)) return [];
  const quoted = MUTABLE.map((name) => `'${name}'`);
  return [forbiddenField('spec', `updates to statefulset spec for fields other than ${quoted.slice(0, -1).join(', ')} and ${String(quoted.at(-1))} are forbidden`)];
}

/** Rules of StatefulSets. */
export const STATEFUL_SET_RULES: KindRules = {
  generation: true,
  applyDefaults: (object) => {
    defaultTemplate(object);
    const { spec } = object;
    if (!spec) return;
    spec.persistentVolumeClaimRetentionPolicy = { whenDeleted: 'Retain', whenScaled: 'Retain', ...spec.persistentVolumeClaimRetentionPolicy };
    if (spec.updateStrategy?.type === 'RollingUpdate') spec.updateStrategy.rollingUpdate ??= { partition: 0 };
  },
  validate: (object, old) => [
    ...(['OrderedReady', 'Parallel'].includes(object.spec.podManagementPolicy) ? [] : [invalidField('spec.podManagementPolicy', object.spec.podManagementPolicy, "must be 'OrderedReady' or 'Parallel'")]),
    ...validateUpdateStrategy(object),
    ...nonNegative(object, ['replicas', 'minReadySeconds', 'revisionHistoryLimit']),
    ...validateTemplate(object),
    ...validateSetUpdate(object, old),
  ],
};
