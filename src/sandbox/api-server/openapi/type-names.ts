// What types are called in the OpenAPI documents: by the package of Kubernetes in which their kind stands.
import type { JsonSchema } from '../../schema/index.ts';
import { parseCompactSchemas } from '../../schema/index.ts';
import { BUILT_IN_KINDS, BUILT_IN_TYPES } from '../kinds/built-in-kinds.ts';

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1';
const OWN_NAMES: Readonly<Record<string, string>> = { EventV1: 'Event', HorizontalPodAutoscalerV1: 'HorizontalPodAutoscaler', HorizontalPodAutoscalerV1Spec: 'HorizontalPodAutoscalerSpec', HorizontalPodAutoscalerV1Status: 'HorizontalPodAutoscalerStatus' };
const META_NAMES = new Set(['ObjectMeta', 'OwnerReference', 'ManagedFieldsEntry', 'Condition', 'LabelSelector', 'LabelSelectorRequirement', 'DeleteOptions', 'Preconditions']);

/** Types that only the documents speak of. */
export const DOCUMENT_TYPES: ReadonlyMap<string, JsonSchema> = parseCompactSchemas(`
ListMeta: selfLink:s resourceVersion:s continue:s remainingItemCount:i
Status: apiVersion:s kind:s metadata:ListMeta={} status:s message:s reason:s details:StatusDetails code:i
StatusDetails: name:s group:s kind:s uid:s causes:[]StatusCause retryAfterSeconds:i
StatusCause: reason:s message:s field:s
`);

/** Scalars that have a name of their own, by their format. */
export const NAMED_SCALARS: Readonly<Record<string, { readonly name: string; readonly schema: object }>> = {
  'date-time': { name: `${META}.Time`, schema: { type: 'string', format: 'date-time' } },
  'micro-time': { name: `${META}.MicroTime`, schema: { type: 'string', format: 'date-time' } },
  'quantity': { name: 'io.k8s.apimachinery.pkg.api.resource.Quantity', schema: { oneOf: [{ type: 'string' }, { type: 'number' }] } },
  'int-or-string': { name: 'io.k8s.apimachinery.pkg.util.intstr.IntOrString', schema: { oneOf: [{ type: 'integer' }, { type: 'string' }], format: 'int-or-string' } },
  'fields': { name: `${META}.FieldsV1`, schema: { type: 'object' } },
  'patch': { name: `${META}.Patch`, schema: { type: 'object' } },
};

/** The package of a group and version. */
export function packageOf(group: string, version: string): string {
  if (group === 'apiextensions.k8s.io') return `io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.${version}`;
  return `io.k8s.api.${group === '' ? 'core' : (group.split('.')[0] ?? '')}.${version}`;
}

let names: ReadonlyMap<string, string> | undefined;

/** The full name of a built-in type. */
export function fullName(type: string): string {
  names ??= collectNames();
  return names.get(type) ?? `${META}.${type}`;
}

/** Each type belongs to the first kind that reaches it. */
function collectNames(): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const visit = (schema: JsonSchema | undefined, home: string): void => {
    if (!schema) return;
    const type = schema['x-mizzen-type'];
    if (type !== undefined) {
      if (found.has(type)) return;
      found.set(type, `${META_NAMES.has(type) ? META : home}.${OWN_NAMES[type] ?? type}`);
    }
    for (const child of Object.values(schema.properties ?? {})) visit(child, home);
    visit(schema.items, home);
    if (typeof schema.additionalProperties === 'object') visit(schema.additionalProperties, home);
  };
  for (const { type, kind, group, version } of BUILT_IN_KINDS) visit(BUILT_IN_TYPES.get(type ?? kind), packageOf(group, version));
  visit(BUILT_IN_TYPES.get('Scale'), packageOf('autoscaling', 'v1'));
  return found;
}
