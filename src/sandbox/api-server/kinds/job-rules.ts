// Defaults and validation of Jobs and CronJobs.
import { invalidField, requiredField, unsupportedField, type FieldError } from '../../schema/index.ts';
import type { KubeObject } from '../../store/index.ts';
import { internalTemplateText } from './internal-template.ts';
import type { KindRules } from './kind-rules.ts';
import { defaultPodSpec, validatePodSpec } from './pod-rules.ts';
import { defaultTemplate, immutable, nonNegative } from './workload-rules.ts';

const OWNER = 'batch.kubernetes.io/controller-uid';
const COUNTS = ['parallelism', 'completions', 'activeDeadlineSeconds', 'backoffLimit', 'ttlSecondsAfterFinished'];

function applyDefaults(object: KubeObject): void {
  defaultTemplate(object);
  const { spec } = object;
  if (!spec) return;
  if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1;
  spec.parallelism ??= 1;
  spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? 6 : 2_147_483_647;
  spec.completionMode ??= 'NonIndexed';
  spec.suspend ??= false;
  spec.manualSelector ??= false;
  spec.podReplacementPolicy ??= spec.podFailurePolicy === undefined ? 'TerminatingOrFailed' : 'Failed';
  // The very labels of the template: what the server adds to these is the job's as well.
  if (object.metadata.labels === undefined && spec.template?.metadata?.labels) object.metadata.labels = spec.template.metadata.labels;
}

/** The selector, and the labels that it selects, are the server's. */
function prepare(object: KubeObject, old: KubeObject | undefined): void {
  const { spec, metadata } = object;
  if (old || spec?.manualSelector === true || !spec?.template) return;
  spec.selector = { ...spec.selector, matchLabels: { ...spec.selector?.matchLabels, [OWNER]: metadata.uid } };
  spec.template.metadata ??= {};
  spec.template.metadata.labels ??= {};
  Object.assign(spec.template.metadata.labels, { 'controller-uid': metadata.uid, 'job-name': metadata.name, [OWNER]: metadata.uid, 'batch.kubernetes.io/job-name': metadata.name });
}

function validateSelector({ spec, metadata }: KubeObject): FieldError[] {
  if (spec.manualSelector === true) return spec.selector ? [] : [requiredField('spec.selector')];
  const { matchLabels = {}, matchExpressions = [] } = spec.selector ?? {};
  const isGenerated = matchExpressions.length === 0 && Object.keys(matchLabels).length === 1 && [OWNER, 'controller-uid'].some((key) => matchLabels[key] === metadata.uid);
  return isGenerated ? [] : [invalidField('spec.selector', spec.selector, '`selector` not auto-generated')];
}

function validateJobSpec(spec: KubeObject['spec'], path: string): FieldError[] {
  const errors = validatePodSpec(spec?.template?.spec, `${path}.template.spec`);
  const policy: unknown = spec?.template?.spec?.restartPolicy;
  if (policy === 'Always') errors.push(requiredField(`${path}.template.spec.restartPolicy`, 'valid values: "OnFailure", "Never"'));
  const mode: unknown = spec?.completionMode ?? 'NonIndexed';
  if (mode !== 'NonIndexed' && mode !== 'Indexed') errors.push(unsupportedField(`${path}.completionMode`, mode, ['NonIndexed', 'Indexed']));
  if (mode === 'Indexed' && spec.completions === undefined) errors.push(requiredField(`${path}.completions`, 'when completion mode is Indexed'));
  return errors;
}

/** What an update may not change; a template only while the job is suspended. */
function validateUpdate(object: KubeObject, old: KubeObject | undefined): FieldError[] {
  if (!old) return [];
  const isWaiting = old.spec.suspend === true && old.status?.startTime === undefined;
  const completions = old.spec.completionMode === 'Indexed' && object.spec.completions === object.spec.parallelism ? [] : ['completions'];
  return [...immutable(object, old, ['selector', ...completions, 'completionMode', 'podFailurePolicy']), ...(isWaiting || JSON.stringify(object.spec.template) === JSON.stringify(old.spec.template) ? [] : [{ reason: 'FieldValueInvalid' as const, path: 'spec.template', message: `Invalid value: ${internalTemplateText(object.spec.template)}: field is immutable` }])];
}

/** Rules of Jobs. */
export const JOB_RULES: KindRules = {
  generation: true,
  applyDefaults,
  prepare,
  validate: (object, old) => [...nonNegative(object, COUNTS), ...validateSelector(object), ...validateJobSpec(object.spec, 'spec'), ...validateUpdate(object, old)],
};

function validateSchedule(schedule: string): FieldError[] {
  if (schedule === '') return [requiredField('spec.schedule')];
  if (schedule.startsWith('@')) return /^@(every \S+|yearly|annually|monthly|weekly|daily|midnight|hourly)$/.test(schedule) ? [] : [invalidField('spec.schedule', schedule, `unrecognized descriptor: ${schedule}`)];
  const fields = schedule.split(/\s+/).filter((field) => field !== '');
  return fields.length === 5 ? [] : [invalidField('spec.schedule', schedule, `expected exactly 5 fields, found ${String(fields.length)}: [${fields.join(' ')}]`)];
}

/** Rules of CronJobs. */
export const CRON_JOB_RULES: KindRules = {
  generation: true,
  applyDefaults: (object) => {
    const spec = object.spec?.jobTemplate?.spec?.template?.spec;
    if (spec) defaultPodSpec(spec);
  },
  validate: (object) => [
    ...validateSchedule(object.spec.schedule ?? ''),
    ...(['Allow', 'Forbid', 'Replace'].includes(object.spec.concurrencyPolicy) ? [] : [unsupportedField('spec.concurrencyPolicy', object.spec.concurrencyPolicy, ['Allow', 'Forbid', 'Replace'])]),
    ...nonNegative(object, ['startingDeadlineSeconds', 'successfulJobsHistoryLimit', 'failedJobsHistoryLimit']),
    ...validateJobSpec(object.spec.jobTemplate?.spec, 'spec.jobTemplate.spec'),
  ],
};
