// The paths of the OpenAPI documents: which operations a resource has, with which parameters, bodies and answers.
import { subresourcesOf } from '../discovery.ts';
import { groupVersion, type ResourceInfo, type ResourceVersion } from '../resource-info.ts';
import { kindName, type Json, type SchemaSet } from './type-schemas.ts';

const WRITE = ['dryRun', 'fieldManager', 'fieldValidation'];
const LIST = ['allowWatchBookmarks', 'continue', 'fieldSelector', 'labelSelector', 'limit', 'resourceVersion', 'resourceVersionMatch', 'sendInitialEvents', 'timeoutSeconds', 'watch'];
const DELETE = ['dryRun', 'gracePeriodSeconds', 'ignoreStoreReadErrorWithClusterBreakingPotential', 'orphanDependents', 'propagationPolicy'];
const BOOLEANS = new Set(['allowWatchBookmarks', 'sendInitialEvents', 'watch', 'ignoreStoreReadErrorWithClusterBreakingPotential', 'orphanDependents', 'force', 'pretty']);
const INTEGERS = new Set(['limit', 'timeoutSeconds', 'gracePeriodSeconds']);
const PATCHES = ['application/json-patch+json', 'application/merge-patch+json', 'application/strategic-merge-patch+json', 'application/apply-patch+yaml'];
/** Subresources that are streams or other servers; they take what these take. */
const STREAMS = new Set(['attach', 'exec', 'log', 'portforward', 'proxy']);
/** Methods by the verbs of discovery. */
const METHODS: Readonly<Record<string, string>> = { create: 'post', get: 'get', patch: 'patch', update: 'put' };

interface Act { readonly action: string; readonly parameters: readonly string[]; readonly sends?: 'object' | 'patch' | 'options'; readonly answers: Json }

/** The paths of a resource. */
export function describePaths(info: ResourceInfo, version: ResourceVersion, set: SchemaSet): Json {
  const root = info.group === '' ? `/api/${version.name}` : `/apis/${groupVersion(info.group, version.name)}`;
  const collection = `${root}${info.namespaced ? '/namespaces/{namespace}' : ''}/${info.plural}`;
  const own = { $ref: `#/components/schemas/${kindName(info, version)}` };
  const kind = { group: info.group, version: version.name, kind: info.kind };
  const operate = operationsOf(info, set, own);
  const space = info.namespaced ? [pathParameter('namespace')] : [];
  if (info.virtual) return { [collection]: { parameters: space, post: operate(kind, { action: 'post', parameters: WRITE, sends: 'object', answers: own }) } };
  const list = { $ref: `#/components/schemas/${kindName(info, version, info.listKind)}` };
  const many = info.custom ? LIST : [...LIST.filter((name) => name !== 'allowWatchBookmarks' && name !== 'watch'), ...DELETE];
  return {
    [collection]: {
      parameters: space,
      get: operate(kind, { action: 'list', parameters: LIST, answers: list }),
      post: operate(kind, { action: 'post', parameters: WRITE, sends: 'object', answers: own }),
      delete: operate(kind, { action: 'deletecollection', parameters: many, sends: 'options', answers: set.reference('Status') }),
    },
    [`${collection}/{name}`]: {
      parameters: [...space, pathParameter('name')],
      ...half(info, kind, own, operate),
      delete: operate(kind, { action: 'delete', parameters: DELETE, sends: 'options', answers: set.reference('Status') }),
    },
    ...(info.namespaced ? { [`${root}/${info.plural}`]: { parameters: LIST.map(queryParameter), get: operate(kind, { action: 'list', parameters: [], answers: list }) } } : {}),
    ...describeSubresources(`${collection}/{name}`, info, version, set),
  };
}

type Operate = (kind: Json, act: Act) => Json;

/** Reading and changing an object, or its half. */
function half(info: ResourceInfo, kind: Json, shown: Json, operate: Operate): Json {
  return {
    get: operate(kind, { action: 'get', parameters: info.custom ? ['resourceVersion'] : [], answers: shown }),
    put: operate(kind, { action: 'put', parameters: WRITE, sends: 'object', answers: shown }),
    patch: operate(kind, { action: 'patch', parameters: [...WRITE, 'force'], sends: 'patch', answers: shown }),
  };
}

function describeSubresources(path: string, info: ResourceInfo, version: ResourceVersion, set: SchemaSet): Json {
  const parameters = [...(info.namespaced ? [pathParameter('namespace')] : []), pathParameter('name')];
  return Object.fromEntries(subresourcesOf(info, version).filter(({ name }) => !STREAMS.has(name)).map((sub) => {
    const isScale = sub.name === 'scale';
    const shown = isScale ? set.reference('Scale') : { $ref: `#/components/schemas/${kindName(info, version)}` };
    // The scale of a custom resource counts as the resource's own.
    const kind = isScale && info.custom ? { group: info.group, version: version.name, kind: info.kind } : { group: sub.group ?? info.group, version: sub.version ?? version.name, kind: sub.kind };
    const operate = operationsOf(info, set, shown);
    if (sub.verbs.includes('get')) return [`${path}/${sub.name}`, { parameters, ...half(info, kind, shown, operate) }];
    return [`${path}/${sub.name}`, { parameters, ...Object.fromEntries(sub.verbs.flatMap((verb) => (METHODS[verb] === undefined ? [] : [[METHODS[verb], { ...operate(kind, { action: METHODS[verb], parameters: WRITE, answers: {} }), requestBody: { content: { '*/*': { schema: { type: 'object' } } } } }]]))) }];
  }));
}

/** Describes operations of a resource. */
function operationsOf(info: ResourceInfo, set: SchemaSet, own: Json): Operate {
  return (kind, { action, parameters, sends, answers }) => ({
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': kind,
    ...(parameters.length === 0 ? {} : { parameters: parameters.map(queryParameter) }),
    ...(sends === undefined ? {} : { requestBody: { content: bodies(info, set, own, sends) } }),
    responses: { 200: { description: 'OK', content: { 'application/json': { schema: answers } } } },
  });
}

function bodies(info: ResourceInfo, set: SchemaSet, own: Json, sends: NonNullable<Act['sends']>): Json {
  if (sends === 'patch') return Object.fromEntries(PATCHES.filter((type) => !info.custom || !type.includes('strategic')).map((type) => [type, { schema: set.scalar('patch') }]));
  return { '*/*': { schema: sends === 'options' ? set.reference('DeleteOptions') : own } };
}

function queryParameter(name: string): Json {
  return { name, in: 'query', schema: { type: BOOLEANS.has(name) ? 'boolean' : INTEGERS.has(name) ? 'integer' : 'string', uniqueItems: true } };
}

function pathParameter(name: string): Json {
  return { name, in: 'path', required: true, schema: { type: 'string', uniqueItems: true } };
}
