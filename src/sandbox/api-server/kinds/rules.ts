// Which built-in kind has which rules; a kind that is not here has none beyond its schema.
import { CONFIG_MAP_RULES, LIMIT_RANGE_RULES, SECRET_RULES } from './configuration-rules.ts';
import { EVENT_RULES, LEASE_RULES } from './coordination-rules.ts';
import { CRD_RULES } from './crd-rules.ts';
import { CRON_JOB_RULES, JOB_RULES } from './job-rules.ts';
import type { KindRules } from './kind-rules.ts';
import { POD_RULES } from './pod-rules.ts';
import { AUTOSCALER_RULES, BUDGET_RULES, ENDPOINT_SLICE_RULES, INGRESS_RULES, NETWORK_POLICY_RULES } from './policy-rules.ts';
import { BINDING_RULES, ROLE_RULES } from './rbac-rules.ts';
import { SERVICE_RULES } from './service-rules.ts';
import { WEBHOOK_RULES } from './webhook-rules.ts';
import { DAEMON_SET_RULES, DEPLOYMENT_RULES, REPLICA_SET_RULES, STATEFUL_SET_RULES } from './workload-rules.ts';

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
  '/secrets': SECRET_RULES,
  '/configmaps': CONFIG_MAP_RULES,
  '/limitranges': LIMIT_RANGE_RULES,
  '/events': EVENT_RULES,
  'coordination.k8s.io/leases': LEASE_RULES,
  'apps/deployments': DEPLOYMENT_RULES,
  'apps/replicasets': REPLICA_SET_RULES,
  'apps/daemonsets': DAEMON_SET_RULES,
  'apps/statefulsets': STATEFUL_SET_RULES,
  'batch/jobs': JOB_RULES,
  'batch/cronjobs': CRON_JOB_RULES,
  'policy/poddisruptionbudgets': BUDGET_RULES,
  'autoscaling/horizontalpodautoscalers': AUTOSCALER_RULES,
  'networking.k8s.io/networkpolicies': NETWORK_POLICY_RULES,
  'networking.k8s.io/ingresses': INGRESS_RULES,
  'discovery.k8s.io/endpointslices': ENDPOINT_SLICE_RULES,
  'rbac.authorization.k8s.io/roles': ROLE_RULES,
  'rbac.authorization.k8s.io/clusterroles': ROLE_RULES,
  'rbac.authorization.k8s.io/rolebindings': BINDING_RULES,
  'rbac.authorization.k8s.io/clusterrolebindings': BINDING_RULES,
  'admissionregistration.k8s.io/mutatingwebhookconfigurations': WEBHOOK_RULES,
  'admissionregistration.k8s.io/validatingwebhookconfigurations': WEBHOOK_RULES,
  'apiextensions.k8s.io/customresourcedefinitions': CRD_RULES,
};

/** The rules of a built-in resource, by its store key. */
export function rulesFor(storeKey: string): KindRules {
  return RULES[storeKey] ?? {};
}
