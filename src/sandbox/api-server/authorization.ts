// Whether the user of a request may make it, and Kubernetes' words when not.
import type { AccessRequest, RbacAuthorizer, User } from '../auth/index.ts';
import { ApiStatusError } from './internal-client.ts';
import type { RequestInfo } from './request-info.ts';

/** Throws 403 when `user` may not make the request. */
export function authorize(rbac: RbacAuthorizer, user: User, info: RequestInfo): void {
  const wanted = accessOf(info);
  if (rbac.allows(user, wanted)) return;
  throw new ApiStatusError(403, 'Forbidden', denialMessage(user, wanted), wanted.path === undefined ? { ...(wanted.name === undefined ? {} : { name: wanted.name }), ...(wanted.group === '' ? {} : { group: wanted.group }), kind: wanted.resource } : {});
}

/** The request in the terms of RBAC. */
export function accessOf({ verb, path, resource }: RequestInfo): AccessRequest {
  if (!resource) return { verb, group: '', resource: '', path };
  const isNamespace = resource.group === '' && resource.plural === 'namespaces';
  const namespace = isNamespace && resource.name !== '' ? resource.name : resource.namespace;
  return {
    verb,
    group: resource.group,
    resource: resource.plural,
    ...(resource.subresource === '' ? {} : { subresource: resource.subresource }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(resource.name === '' ? {} : { name: resource.name }),
  };
}

function denialMessage(user: User, wanted: AccessRequest): string {
  if (wanted.path !== undefined) return `forbidden: User "${user.name}" cannot ${wanted.verb} path "${wanted.path}"`;
  const { group, resource, subresource, name, verb, namespace } = wanted;
  const shown = subresource === undefined ? resource : `${resource}/${subresource}`;
  const subject = `${group === '' ? resource : `${resource}.${group}`}${name === undefined ? '' : ` "${name}"`}`;
  const scope = namespace === undefined ? 'at the cluster scope' : `in the namespace "${namespace}"`;
  return `${subject} is forbidden: User "${user.name}" cannot ${verb} resource "${shown}" in API group "${group}" ${scope}`;
}
