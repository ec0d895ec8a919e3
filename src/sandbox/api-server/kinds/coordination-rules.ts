// Validation of Leases and Events.
import { invalidField, requiredField, type FieldError } from '../../schema/index.ts';
import type { KubeObject } from '../../store/index.ts';
import { validateKey } from '../names.ts';
import type { KindRules } from './kind-rules.ts';

/** Fields of an election that this version of Kubernetes keeps switched off. */
const SWITCHED_OFF = ['strategy', 'preferredHolder'];

/** Rules of Leases. */
export const LEASE_RULES: KindRules = {
  prepare: ({ spec }, old) => { for (const field of SWITCHED_OFF) if (spec && old?.spec?.[field] === undefined) Reflect.deleteProperty(spec as object, field); },
  validate: ({ spec = {} }) => {
    const { leaseDurationSeconds: seconds, leaseTransitions: transitions } = spec as { leaseDurationSeconds?: number; leaseTransitions?: number };
    const errors: FieldError[] = [];
    if (seconds !== undefined && seconds <= 0) errors.push(invalidField('spec.leaseDurationSeconds', seconds, 'must be greater than 0'));
    if (transitions !== undefined && transitions < 0) errors.push(invalidField('spec.leaseTransitions', transitions, 'must be greater than or equal to 0'));
    return errors;
  },
};

interface EventFields {
  readonly eventTime?: string | null;
  readonly involvedObject?: { readonly namespace?: string };
  readonly regarding?: { readonly namespace?: string };
  readonly reportingComponent?: string;
  readonly reportingController?: string;
  readonly reportingInstance?: string;
  readonly action?: string;
  readonly reason?: string;
  readonly type?: string;
  readonly message?: string;
  readonly note?: string;
  readonly series?: { readonly count?: number; readonly lastObservedTime?: string | null };
  readonly deprecatedCount?: number;
}

/** What events of either group have in common. */
function validateEvent(object: KubeObject, isNew: boolean): FieldError[] {
  const event = object as EventFields;
  const subject = (event.involvedObject ?? event.regarding)?.namespace ?? '';
  const { namespace } = object.metadata;
  const stranger = [invalidField('involvedObject.namespace', subject, 'does not match event.namespace')];
  if (!event.eventTime) return subject === namespace || (subject === '' && namespace === 'default') ? [] : stranger;
  const errors = subject === '' && namespace !== 'default' && namespace !== 'kube-system' ? stranger : [];
  const controller = event.reportingController ?? event.reportingComponent ?? '';
  const place = isNew ? 'reportingController' : 'reportingComponent';
  if (controller === '') errors.push(requiredField(place));
  errors.push(...validateKey(controller, place));
  errors.push(...(['reportingInstance', 'action', 'reason'] as const).flatMap((field) => validateWord(field, event[field] ?? '')));
  if ((event.message ?? event.note ?? '').length > 1024) errors.push(invalidField('message', '', 'can have at most 1024 characters'));
  return errors;
}

function validateWord(field: string, value: string): FieldError[] {
  if (value === '') return [requiredField(field)];
  return value.length > 128 ? [invalidField(field, '', 'can have at most 128 characters')] : [];
}

function validateSeries({ series }: EventFields): FieldError[] {
  if (!series) return [];
  const errors: FieldError[] = [];
  if ((series.count ?? 0) < 2) errors.push(invalidField('series.count', '', 'should be at least 2'));
  if (!series.lastObservedTime) errors.push(requiredField('series.lastObservedTime'));
  return errors;
}

function validateNewEvent(object: KubeObject): FieldError[] {
  const { eventTime, type = '', deprecatedCount = 0 } = object as EventFields;
  const errors: FieldError[] = [];
  if (!eventTime) errors.push(requiredField('eventTime'));
  if (type !== 'Normal' && type !== 'Warning') errors.push(invalidField('type', '', `has invalid value: ${type}`));
  for (const [field, name] of [['deprecatedFirstTimestamp', 'firstTimestamp'], ['deprecatedLastTimestamp', 'lastTimestamp']] as const) if (object[field]) errors.push(invalidField(name, '', 'needs to be unset'));
  return deprecatedCount === 0 ? errors : [...errors, invalidField('count', '', 'needs to be unset')];
}

/** What the later group never changes in an event, by the names of the first group. */
const FIXED: readonly (readonly [string, string])[] = [['regarding', 'involvedObject'], ['reason', 'reason'], ['note', 'message'], ['deprecatedSource', 'source'], ['deprecatedFirstTimestamp', 'firstTimestamp'], ['deprecatedLastTimestamp', 'lastTimestamp'], ['deprecatedCount', 'count'], ['type', 'type'], ['eventTime', 'eventTime'], ['action', 'action'], ['related', 'related'], ['reportingController', 'reportingController'], ['reportingInstance', 'reportingInstance']];

/** Rules of Events. */
export const EVENT_RULES: KindRules = {
  validate: (object, old) => {
    const isNew = object.apiVersion === 'events.k8s.io/v1';
    const errors = validateEvent(object, isNew);
    if (!isNew) return errors;
    errors.push(...validateSeries(object as EventFields));
    if (!old) return [...errors, ...validateNewEvent(object)];
    return [...errors, ...FIXED.filter(([field]) => JSON.stringify(object[field] ?? null) !== JSON.stringify(old[field] ?? null)).map(([field, name]) => invalidField(name, object[field], 'field is immutable'))];
  },
};
