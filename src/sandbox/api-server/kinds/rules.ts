// Which built-in kind has which rules; a kind that is not here has none beyond its schema.
import { invalidField, requiredField, unsupportedField, forbiddenField, type FieldError } from '../../schema/index.ts';
import type { KubeObject } from '../../store/index.ts';
import { CRD_RULES } from './crd-rules.ts';
import type { KindRules } from './kind-rules.ts';
import { POD_RULES } from './pod-rules.ts';
import { SERVICE_RULES } from './service-rules.ts';
import { CRON_JOB_RULES, DEPLOYMENT_RULES, JOB_RULES, REPLICA_SET_RULES, SET_RULES } from './workload-rules.ts';

function immutableTop(object: KubeObject, old: KubeObject | undefined, fields: readonly string[]): FieldError[] {
  return fields.filter((field) => old && JSON.stringify(object[field]) !== JSON.stringify(old[field])).map((field) => invalidField(field, field === 'roleRef' ? { APIGroup: object[field]?.apiGroup, Kind: object[field]?.kind, Name: object[field]?.name } : object[field], field === 'roleRef' ? 'cannot change roleRef' : 'field is immutable'));
}

const CONFIG_KEY = /^[-._a-zA-Z0-9]+$/;

function validateKeys(object: KubeObject, old: KubeObject | undefined): FieldError[] {
  const errors: FieldError[] = [];
  for (const field of ['data', 'binaryData']) {
    for (const key of Object.keys(object[field] ?? {})) if (key === '..' || key === '.') errors.push(invalidField(`${field}[${key}]`, key, `must not be '${key}'`));
    for (const key of Object.keys(object[field] ?? {})) if (!CONFIG_KEY.test(key)) errors.push(invalidField(`${field}[${key}]`, key, "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"));
  }
  if (old?.['immutable'] === true) {
    if (object['immutable'] !== true) errors.push(forbiddenField('immutable', 'field is immutable when `immutable` is set'));
    if (JSON.stringify(object['data']) !== JSON.stringify(old['data'])) errors.push(forbiddenField('data', 'field is immutable when `immutable` is set'));
  }
  return errors;
}

const SECRET: KindRules = {
  applyDefaults: (object) => {
    const { stringData } = object;
    if (stringData) object['data'] = { ...object['data'], ...Object.fromEntries(Object.entries(stringData as Record<string, string>).map(([key, value]) => [key, Buffer.from(value).toString('base64')])) };
    delete object['stringData'];
  },
  validate: (object, old) => {
    const errors = [...validateKeys(object, old), ...immutableTop(object, old, ['type'])];
    if (object['type'] === 'kubernetes.io/tls') for (const key of ['tls.crt', 'tls.key']) if (object['data']?.[key] === undefined) errors.push(requiredField(`data[${key}]`));
    return errors;
  },
};

function validateRules(object: KubeObject): FieldError[] {
  return ((object['rules'] ?? []) as Record<string, string[]>[]).flatMap((rule, index) => {
    const path = `rules[${String(index)}]`;
    const errors: FieldError[] = [];
    if ((rule['verbs'] ?? []).length === 0) errors.push(requiredField(`${path}.verbs`, 'verbs must contain at least one value'));
    if ((rule['nonResourceURLs'] ?? []).length > 0) return errors;
    if ((rule['apiGroups'] ?? []).length === 0) errors.push(requiredField(`${path}.apiGroups`, 'resource rules must supply at least one api group'));
    if ((rule['resources'] ?? []).length === 0) errors.push(requiredField(`${path}.resources`, 'resource rules must supply at least one resource'));
    return errors;
  });
}

const BINDING: KindRules = {
  applyDefaults: (object) => {
    if (object['roleRef']) object['roleRef'].apiGroup ??= 'rbac.authorization.k8s.io';
    for (const subject of object['subjects'] ?? []) if (subject.kind !== 'ServiceAccount') subject.apiGroup ??= 'rbac.authorization.k8s.io';
  },
  validate: (object, old) => [
    ...immutableTop(object, old, ['roleRef']),
    ...((object['subjects'] ?? []) as Record<string, string>[]).flatMap((subject, index) => {
      if (!['User', 'Group', 'ServiceAccount'].includes(subject['kind'] ?? '')) return [unsupportedField(`subjects[${String(index)}].kind`, subject['kind'], ['Group', 'ServiceAccount', 'User'])];
      return subject['kind'] === 'ServiceAccount' && !subject['namespace'] && object.kind === 'ClusterRoleBinding' ? [requiredField(`subjects[${String(index)}].namespace`)] : [];
    }),
  ],
};

const WEBHOOKS: KindRules = {
  generation: true,
  validate: (object) => ((object['webhooks'] ?? []) as Record<string, unknown>[]).flatMap((webhook, index) => {
    const path = `webhooks[${String(index)}]`;
    const errors: FieldError[] = [];
    if (String(webhook['name']).split('.').length < 3) errors.push(invalidField(`${path}.name`, webhook['name'], 'should be a domain with at least three segments separated by dots'));
    if (!['None', 'NoneOnDryRun'].includes(String(webhook['sideEffects']))) errors.push(unsupportedField(`${path}.sideEffects`, webhook['sideEffects'], ['None', 'NoneOnDryRun']));
    if (!['Fail', 'Ignore'].includes(String(webhook['failurePolicy']))) errors.push(unsupportedField(`${path}.failurePolicy`, webhook['failurePolicy'], ['Fail', 'Ignore']));
    const config = webhook['clientConfig'] as { url?: string; service?: object } | undefined;
    if ((config?.url === undefined) === (config?.service === undefined)) errors.push(requiredField(`${path}.clientConfig`, 'exactly one of url or service is required'));
    return errors;
  }),
};

const GENERATION: KindRules = { generation: true };

const NAMESPACE: KindRules = {
  applyDefaults: (object) => { object.metadata.labels = { ...object.metadata.labels, 'kubernetes.io/metadata.name': object.metadata.name }; },
  prepare: (object, old) => {
    object.spec = { ...object.spec, finalizers: old?.spec?.finalizers ?? ['kubernetes'] };
    object.status = { ...object.status, phase: object.metadata.deletionTimestamp === undefined ? 'Active' : 'Terminating' };
  },
};

const RULES: Readonly<Record<string, KindRules>> = {
  '/pods': POD_RULES,
  '/services': SERVICE_RULES,
  '/namespaces': NAMESPACE,
  '/secrets': SECRET,
  '/configmaps': { validate: validateKeys },
  'apps/deployments': DEPLOYMENT_RULES,
  'apps/replicasets': REPLICA_SET_RULES,
  'apps/daemonsets': SET_RULES,
  'apps/statefulsets': SET_RULES,
  'batch/jobs': JOB_RULES,
  'batch/cronjobs': CRON_JOB_RULES,
  'policy/poddisruptionbudgets': GENERATION,
  'networking.k8s.io/networkpolicies': {
    generation: true,
    applyDefaults: (object) => { if (object.spec) object.spec.policyTypes ??= object.spec.egress ? ['Ingress', 'Egress'] : ['Ingress']; },
  },
  'networking.k8s.io/ingresses': GENERATION,
  'discovery.k8s.io/endpointslices': {
    generation: true,
    validate: (object, old) => [
      ...immutableTop(object, old, ['addressType']),
      ...(['IPv4', 'IPv6', 'FQDN'].includes(object['addressType']) ? [] : [unsupportedField('addressType', object['addressType'], ['FQDN', 'IPv4', 'IPv6'])]),
    ],
  },
  'rbac.authorization.k8s.io/roles': { validate: validateRules },
  'rbac.authorization.k8s.io/clusterroles': { validate: validateRules },
  'rbac.authorization.k8s.io/rolebindings': BINDING,
  'rbac.authorization.k8s.io/clusterrolebindings': BINDING,
  'admissionregistration.k8s.io/mutatingwebhookconfigurations': WEBHOOKS,
  'admissionregistration.k8s.io/validatingwebhookconfigurations': WEBHOOKS,
  'apiextensions.k8s.io/customresourcedefinitions': CRD_RULES,
};

/** The rules of a built-in resource, by its store key. */
export function rulesFor(storeKey: string): KindRules {
  return RULES[storeKey] ?? {};
}
