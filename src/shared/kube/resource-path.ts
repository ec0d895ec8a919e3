// Request paths of the Kubernetes API.
import type { ResourceType } from '../api/meta/index.ts';

type Located = Pick<ResourceType, 'group' | 'version' | 'plural' | 'scope'>;

/** Path of a type's objects: in one namespace, or over all of them when none is given. */
export function collectionPath(type: Located, namespace?: string): string {
  const root = type.group === '' ? `/api/${type.version}` : `/apis/${type.group}/${type.version}`;
  const inside = type.scope === 'Namespaced' && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  return `${root}${inside}/${type.plural}`;
}

/** Path of one object, or of its subresource. */
export function objectPath(type: Located, name: string, namespace?: string, subresource?: string): string {
  if (name === '') throw new TypeError(`a request for a ${type.plural} object needs its name`);
  if (type.scope === 'Namespaced' && !namespace) throw new TypeError(`a request for ${type.plural} '${name}' needs a namespace`);
  return `${collectionPath(type, namespace)}/${encodeURIComponent(name)}${subresource ? `/${subresource}` : ''}`;
}
