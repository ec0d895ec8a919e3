// Defaults and validation of Deployments, ReplicaSets, DaemonSets, StatefulSets, Jobs and CronJobs.
import { randomUUID } from 'node:crypto';
import { forbiddenField, invalidField, unsupportedField, type FieldError } from '../../schema/index.ts';
import type { KubeObject } from '../../store/index.ts';
import type { KindRules } from './kind-rules.ts';
import { defaultPodSpec, validatePodSpec, validateTemplate } from './pod-rules.ts';

function defaultTemplate(object: KubeObject): void {
  const template = object.spec?.template;
  if (!template) return;
  template.metadata ??= {};
  if (template.spec) defaultPodSpec(template.spec);
}

function immutable(object: KubeObject, old: KubeObject | undefined, fields: readonly string[]): FieldError[] {
  if (!old) return [];
  return fields.filter((field) => JSON.stringify(object.spec?.[field]) !== JSON.stringify(old.spec?.[field])).map((field) => invalidField(`spec.${field}`, object.spec?.[field], 'field is immutable'));
}

function nonNegative(object: KubeObject, fields: readonly string[]): FieldError[] {
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
  prepare: (object, old) => { if (!old) object.status = { replicas: 0 }; },
  applyDefaults: defaultTemplate,
  validate: (object, old) => [...validateTemplate(object), ...nonNegative(object, ['replicas', 'minReadySeconds']), ...immutable(object, old, ['selector'])],
};

/** Rules of DaemonSets and StatefulSets. */
export const SET_RULES: KindRules = {
  generation: true,
  prepare: (object, old) => { if (!old) object.status = object.kind === 'DaemonSet' ? { currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0 } : { replicas: 0, availableReplicas: 0 }; },
  applyDefaults: (object) => {
    defaultTemplate(object);
    const strategy = object.spec?.updateStrategy;
    if (object.kind === 'StatefulSet' && object.spec) object.spec.persistentVolumeClaimRetentionPolicy ??= { whenDeleted: 'Retain', whenScaled: 'Retain' };
    if (object.kind === 'DaemonSet') object.metadata.annotations = { 'deprecated.daemonset.template.generation': '1', ...object.metadata.annotations };
    if (strategy?.type === 'RollingUpdate' && !strategy.rollingUpdate) strategy.rollingUpdate = object.kind === 'DaemonSet' ? { maxUnavailable: 1, maxSurge: 0 } : { partition: 0 };
  },
  validate: (object, old) => [...validateTemplate(object), ...immutable(object, old, object.kind === 'StatefulSet' ? ['selector', 'serviceName', 'podManagementPolicy'] : ['selector'])],
};

/** Rules of Jobs: the selector and its labels are the server's. */
export const JOB_RULES: KindRules = {
  generation: true,
  applyDefaults: (object) => {
    defaultTemplate(object);
    const { spec } = object;
    if (!spec) return;
    if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1;
    spec.parallelism ??= 1;
    spec.manualSelector ??= false;
    spec.podReplacementPolicy ??= 'TerminatingOrFailed';
    if (object.metadata.labels === undefined && spec.template?.metadata?.labels) object.metadata.labels = { ...spec.template.metadata.labels };
  },
  prepare: (object, old) => {
    const { spec, metadata } = object;
    if (old || spec?.manualSelector === true || !spec?.template) return;
    metadata.uid ||= randomUUID();
    const labels = { 'batch.kubernetes.io/controller-uid': metadata.uid, 'batch.kubernetes.io/job-name': metadata.name, 'controller-uid': metadata.uid, 'job-name': metadata.name };
    spec.selector = { matchLabels: { 'batch.kubernetes.io/controller-uid': metadata.uid } };
    spec.template.metadata = { ...spec.template.metadata, labels: { ...spec.template.metadata?.labels, ...labels } };
  },
  validate: (object, old) => {
    const spec = object.spec?.template?.spec;
    const errors = [...validatePodSpec(spec, 'spec.template.spec'), ...immutable(object, old, ['selector', 'template', 'completions'])];
    if (spec && !['OnFailure', 'Never'].includes(spec.restartPolicy)) errors.push(unsupportedField('spec.template.spec.restartPolicy', spec.restartPolicy, ['OnFailure', 'Never']));
    return errors;
  },
};

/** Rules of CronJobs. */
export const CRON_JOB_RULES: KindRules = {
  generation: true,
  applyDefaults: (object) => { const spec = object.spec?.jobTemplate?.spec?.template?.spec; if (spec) defaultPodSpec(spec); },
  validate: (object) => [
    ...(/^(@\w+( \S+)?|(\S+\s+){4}\S+)$/.test(object.spec?.schedule ?? '') ? [] : [invalidField('spec.schedule', object.spec?.schedule ?? '', 'expected exactly 5 fields')]),
    ...validatePodSpec(object.spec?.jobTemplate?.spec?.template?.spec, 'spec.jobTemplate.spec.template.spec'),
  ],
};
