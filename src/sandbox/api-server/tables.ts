// Table answers: the columns that `kubectl get` prints.
import type { KubeObject } from '../store/index.ts';
import { BUILT_IN_COLUMNS, type Column } from './built-in-columns.ts';
import { evaluateJsonPath } from './json-path.ts';
import type { PrinterColumn, ResourceInfo, ResourceVersion } from './resource-info.ts';
import { age } from './ages.ts';

const NAME: Column = { name: 'Name', type: 'string', format: 'name', cell: (object) => object.metadata.name };
const AGE: Column = { name: 'Age', type: 'string', cell: (object) => age(object.metadata.creationTimestamp) };

const CRDS = 'apiextensions.k8s.io/customresourcedefinitions';

/** The columns of a resource's Table. */
export function columnsOf(info: ResourceInfo, version: ResourceVersion): readonly Column[] {
  if (!info.custom) {
    // Age stands before the columns that only `-o wide` shows.
    const own = BUILT_IN_COLUMNS[info.storeKey] ?? [];
    // What an event is called, and when it was first written, tells nobody anything.
    if (info.storeKey === '/events') return own;
    const isWide = (column: Column): boolean => (column.priority ?? 0) > 0;
    return [NAME, ...own.filter((column) => !isWide(column)), ...(info.storeKey === CRDS ? [] : [AGE]), ...own.filter(isWide)];
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
  const definitions = columns.map(({ name, type, format = '', description = '', priority = 0 }) => ({ name, type, format, description, priority }));
  return {
    kind: 'Table',
    apiVersion: `meta.k8s.io/${apiVersion}`,
    metadata,
    columnDefinitions: headers ? definitions : [],
    rows: objects.map((object) => ({ cells: columns.map((column) => column.cell(object) ?? null), object: included(object, include, apiVersion) })),
  };
}

function included(object: KubeObject, include: string, apiVersion: string): unknown {
  if (include === 'None') return undefined;
  return include === 'Object' ? object : partialObject(object, apiVersion);
}

/** Only the metadata of an object. */
export function partialObject(object: KubeObject, apiVersion = 'v1'): object {
  return { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${apiVersion}`, metadata: object.metadata };
}
