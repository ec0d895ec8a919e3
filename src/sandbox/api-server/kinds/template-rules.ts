// The selector and pod template of a workload, which have to fit one another.
import { invalidField, requiredField, unsupportedField, type FieldError } from '../../schema/index.ts';
import type { KubeObject } from '../../store/index.ts';
import { validateLabels } from '../names.ts';
import { validatePodSpec } from './pod-rules.ts';
import { isEmptySelector, selects, validateSelector } from './selector-rules.ts';

const MISMATCH = '`selector` does not match template `labels`';

/** What is wrong with the selector and template of a workload. */
export function validateTemplate(object: KubeObject): FieldError[] {
  const { selector, template } = object.spec;
  const labels = template?.metadata?.labels;
  const wrong = validateSelector(selector, 'spec.selector');
  const errors = [...missingSelector(object), ...wrong];
  if (wrong.length > 0) {
    errors.push(invalidField('spec.selector', selector, object.kind === 'StatefulSet' ? '' : 'invalid label selector'));
    return object.kind === 'DaemonSet' ? [...errors.slice(0, -1), ...validateTemplateSpec(template)] : errors;
  }
  if (!(selector && isEmptySelector(selector)) && !selects(selector, labels)) errors.push(invalidField('spec.template.metadata.labels', labels, MISMATCH));
  return [...errors, ...validateTemplateSpec(template)];
}

function missingSelector({ kind, spec }: KubeObject): FieldError[] {
  if (!spec.selector) return kind === 'DaemonSet' ? [] : [requiredField('spec.selector')];
  // ReplicaSets say it in the words of deployments.
  return isEmptySelector(spec.selector) ? [invalidField('spec.selector', spec.selector, `empty selector is invalid for ${kind === 'ReplicaSet' ? 'deployment' : kind.toLowerCase()}`)] : [];
}

function validateTemplateSpec(template: KubeObject['spec']): FieldError[] {
  const errors = [...validateLabels(template?.metadata?.labels, 'spec.template.metadata.labels'), ...validatePodSpec(template?.spec, 'spec.template.spec')];
  const policy: unknown = template?.spec?.restartPolicy;
  return ['OnFailure', 'Never'].includes(String(policy)) ? [...errors, unsupportedField('spec.template.spec.restartPolicy', policy, ['Always'])] : errors;
}
