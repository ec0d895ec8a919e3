// What a built-in object looks like before anybody has written into it: the parts that are always there. The fields of a new object are
// owned by whoever creates it as far as they differ from this, so these parts are not listed in managedFields themselves.
import type { Fields } from '../../patch/index.ts';

const POD_TEMPLATE: Fields = { metadata: {}, spec: { containers: null } };

const EMPTY: Readonly<Record<string, Fields>> = {
  '/namespaces': { spec: {}, status: {} },
  '/pods': { spec: { containers: null }, status: {} },
  '/services': { spec: {}, status: { loadBalancer: {} } },
  '/nodes': { spec: {}, status: {} },
  '/events': { involvedObject: {}, source: {}, firstTimestamp: null, lastTimestamp: null, eventTime: null, reportingComponent: '', reportingInstance: '' },
  'events.k8s.io/events': { regarding: {}, deprecatedSource: {}, deprecatedFirstTimestamp: null, deprecatedLastTimestamp: null, eventTime: null },
  '/persistentvolumeclaims': { spec: { resources: {} }, status: {} },
  '/replicationcontrollers': { spec: {}, status: { replicas: 0 } },
  '/resourcequotas': { spec: {}, status: {} },
  '/limitranges': { spec: { limits: null } },
  'apps/deployments': { spec: { selector: null, template: POD_TEMPLATE, strategy: {} }, status: {} },
  'apps/replicasets': { spec: { selector: null, template: POD_TEMPLATE }, status: { replicas: 0 } },
  'apps/daemonsets': { spec: { selector: null, template: POD_TEMPLATE, updateStrategy: {} }, status: {} },
  'apps/statefulsets': { spec: { selector: null, template: POD_TEMPLATE, serviceName: '', updateStrategy: {} }, status: {} },
  'batch/jobs': { spec: { template: POD_TEMPLATE }, status: {} },
  'batch/cronjobs': { spec: { jobTemplate: { metadata: {}, spec: { template: POD_TEMPLATE } } }, status: {} },
  'discovery.k8s.io/endpointslices': { endpoints: null, ports: null },
  'autoscaling/horizontalpodautoscalers': { spec: { scaleTargetRef: {} }, status: {} },
  'policy/poddisruptionbudgets': { spec: {}, status: {} },
  'networking.k8s.io/networkpolicies': { spec: { podSelector: {} } },
  'networking.k8s.io/ingresses': { spec: {}, status: { loadBalancer: {} } },
  'networking.k8s.io/ingressclasses': { spec: {} },
  'rbac.authorization.k8s.io/roles': { rules: null },
  'rbac.authorization.k8s.io/clusterroles': { rules: null },
  'rbac.authorization.k8s.io/rolebindings': { roleRef: {} },
  'rbac.authorization.k8s.io/clusterrolebindings': { roleRef: {} },
  'coordination.k8s.io/leases': { spec: {} },
  'apiextensions.k8s.io/customresourcedefinitions': { spec: { group: '', scope: '', names: { plural: '', kind: '' }, versions: null }, status: {} },
  'certificates.k8s.io/certificatesigningrequests': { spec: {}, status: {} },
};

/** The empty object of a resource, by group and plural. */
export function emptyObject(resource: string): Fields {
  return { metadata: {}, ...EMPTY[resource] };
}
