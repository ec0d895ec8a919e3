// Table answers: the columns that `kubectl get` prints.
import type { KubeObject } from '../store/index.ts';
import { convertAutoscaler } from './autoscaler-conversion.ts';
import { BUILT_IN_COLUMNS, type Column } from './built-in-columns.ts';
import { convertEvent } from './conversion.ts';
import { evaluateJsonPath } from './json-path.ts';
import type { PrinterColumn, ResourceInfo, ResourceVersion } from './resource-info.ts';
import { badRequest } from './status.ts';
import { age } from './ages.ts';

const NAME: Column = { name: 'Name', type: 'string', format: 'name', cell: (object) => object.metadata.name };
const AGE: Column = { name: 'Age', type: 'string', cell: (object) => age(object.metadata.creationTimestamp) };

/** These show when they were created in a column of their own. */
const WITHOUT_AGE: ReadonlySet<string> = new Set(['apiextensions.k8s.io/customresourcedefinitions', 'rbac.authorization.k8s.io/roles', 'rbac.authorization.k8s.io/clusterroles', '/limitranges']);
/** Their age is not last. */
const AGE_AT: Readonly<Record<string, number>> = { '/nodes': 2, 'scheduling.k8s.io/priorityclasses': 2, 'certificates.k8s.io/certificatesigningrequests': 0, 'batch/cronjobs': 5 };

/** The columns of a resource's Table. */
export function columnsOf(info: ResourceInfo, version: ResourceVersion): readonly Column[] {
  if (!info.custom) {
    // Age stands before the columns that only `-o wide` shows.
    const own = BUILT_IN_COLUMNS[info.storeKey] ?? [];
    // What an event is called, and when it was first written, tells nobody anything.
    if (info.storeKey === '/events') return own;
    const isWide = (column: Column): boolean => (column.priority ?? 0) > 0;
    const narrow = own.filter((column) => !isWide(column));
    if (!WITHOUT_AGE.has(info.storeKey)) narrow.splice(AGE_AT[info.storeKey] ?? narrow.length, 0, AGE);
    return [NAME, ...narrow, ...own.filter(isWide)];
  }
  return [NAME, ...(version.columns ?? []).map(customColumn)];
}

function customColumn(column: PrinterColumn): Column {
  return {
    name: column.name,
    type: column.type,
    ...(column.format === undefined ? {} : { format: column.format }),
    ...(column.description === undefined ? {} : { description: column.description }),
    ...(column.priority === undefined ? {} : { priority: column.priority }),
    cell: (object) => customCell(column, evaluateJsonPath(column.jsonPath, object)),
  };
}

function customCell(column: PrinterColumn, values: readonly unknown[]): unknown {
  const [value] = values;
  if (value === undefined) return null;
  if (column.type === 'date') return age(String(value));
  if (values.length > 1) return values.map(String).join(',');
  return typeof value === 'object' ? JSON.stringify(value) : value;
}

/** A Table of `objects`; `include` says what of each object is sent along: None, Metadata or Object. */
export function tableOf(columns: readonly Column[], objects: readonly KubeObject[], metadata: object, include: string, apiVersion: string, headers = true): object {
  if (!['', 'None', 'Metadata', 'Object'].includes(include)) throw badRequest(`Unable to convert to Table as requested: includeObject: Invalid value: ${JSON.stringify(include)}: must be 'Metadata', 'Object', 'None', or empty`);
  const definitions = columns.map(({ name, type, format = '', description = '', priority = 0 }) => ({ name, type, format, description, priority }));
  return {
    kind: 'Table',
    apiVersion: `meta.k8s.io/${apiVersion}`,
    metadata,
    columnDefinitions: headers ? definitions : [],
    rows: objects.map((object) => ({ cells: cellsOf(columns, object), object: included(object, include, apiVersion) })),
  };
}

/** Columns read events in the terms of their first group, and autoscalers in those of their stored version. */
function readable(object: KubeObject): KubeObject {
  if (object.apiVersion === 'events.k8s.io/v1' && object.kind === 'Event') return convertEvent(object, 'v1');
  return object.apiVersion === 'autoscaling/v1' ? convertAutoscaler(object, 'autoscaling/v2') : object;
}

function cellsOf(columns: readonly Column[], object: KubeObject): unknown[] {
  const read = readable(object);
  return columns.map((column) => column.cell(read) ?? null);
}

function included(object: KubeObject, include: string, apiVersion: string): unknown {
  if (include === 'None') return null;
  return include === 'Object' ? object : partialObject(object, apiVersion);
}

/** Only the metadata of an object. */
export function partialObject(object: KubeObject, apiVersion = 'v1'): object {
  return { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${apiVersion}`, metadata: visibleMetadata(object) };
}

/** What the server notes for the old forms of a kind is in the whole object only. */
function visibleMetadata({ kind, metadata }: KubeObject): object {
  if (kind !== 'DaemonSet') return metadata;
  const { 'deprecated.daemonset.template.generation': _generation, ...annotations } = metadata.annotations ?? {};
  const { annotations: _annotations, ...rest } = metadata;
  return Object.keys(annotations).length > 0 ? { ...rest, annotations } : rest;
}
