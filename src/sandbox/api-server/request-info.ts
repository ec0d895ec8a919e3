// What a request's method and URL ask for, in the terms of authorization and routing.

/** One request, read from its URL. */
export interface RequestInfo {
  readonly verb: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** Absent for paths that are not about a resource. */
  readonly resource?: ResourceRequest;
}

/** A request about a resource. */
export interface ResourceRequest {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly namespace: string | undefined;
  readonly name: string;
  readonly subresource: string;
  /** Asked for by the old path `/api/v1/watch/...`. */
  readonly isWatch: boolean;
  /** What follows the subresource, for proxies. */
  readonly rest: readonly string[];
}

/** Reads method and URL. */
export function parseRequest(method: string, url: URL): RequestInfo {
  const path = url.pathname;
  const query = url.searchParams;
  const resource = parseResource(path);
  if (!resource) return { verb: method.toLowerCase(), path, query };
  return { verb: verbOf(method, resource, query), path, query, resource };
}

function parseResource(path: string): ResourceRequest | undefined {
  const parts = path.split('/').filter((part) => part !== '').map(decodePart);
  const [root] = parts;
  if (root !== 'api' && root !== 'apis') return undefined;
  const prefix = root === 'api' ? 2 : 3;
  const isWatch = parts[prefix] === 'watch';
  const rest = parts.slice(isWatch ? prefix + 1 : prefix);
  if (rest.length === 0) return undefined;
  const place = { group: root === 'api' ? '' : (parts[1] ?? ''), version: parts[prefix - 1] ?? '', isWatch };
  if (!isInNamespace(rest)) return { ...place, namespace: undefined, ...nameParts(rest) };
  return { ...place, namespace: rest[1] ?? '', ...nameParts(rest.slice(2)) };
}

function nameParts([plural = '', name = '', subresource = '', ...rest]: readonly string[]): Pick<ResourceRequest, 'plural' | 'name' | 'subresource' | 'rest'> {
  return { plural, name, subresource, rest };
}

/** `namespaces/<name>/<plural>...`, but not a subresource of the namespace itself. */
function isInNamespace(rest: readonly string[]): boolean {
  return rest[0] === 'namespaces' && rest.length > 2 && !(rest.length === 3 && ['status', 'finalize'].includes(rest[2] ?? ''));
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // Not an encoding: it is then no name either, and ends in a 404.
  }
}

function verbOf(method: string, resource: ResourceRequest, query: URLSearchParams): string {
  switch (method) {
    case 'POST': return 'create';
    case 'PUT': return 'update';
    case 'PATCH': return 'patch';
    case 'DELETE': return resource.name === '' ? 'deletecollection' : 'delete';
    case 'GET':
    case 'HEAD':
      // An object that is named is read, whatever the query says of watching.
      if (resource.isWatch || (resource.name === '' && isTrue(query.get('watch')))) return 'watch';
      return resource.name === '' ? 'list' : 'get';
    default: return method.toLowerCase();
  }
}

/** Whether a boolean query parameter is set. */
export function isTrue(value: string | null): boolean {
  return value === 'true' || value === '1';
}
