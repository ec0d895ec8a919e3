// What merging needs to know of a schema: which lists are maps or sets, which objects are atomic.

/** The part of a structural schema that decides how values merge; any JSON schema fits. */
export interface MergeSchema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, MergeSchema>>;
  readonly additionalProperties?: MergeSchema | boolean;
  readonly items?: MergeSchema;
  readonly default?: unknown;
  readonly 'x-kubernetes-list-type'?: string;
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-map-type'?: string;
  readonly 'x-mizzen-type'?: string;
}

/** Plain JSON object. */
export type Fields = Record<string, unknown>;

/** A patch that cannot be read or applied. */
export class PatchError extends Error {
  /** It is not that the patch does not fit: it is no patch. */
  readonly unreadable: boolean;

  /** The real server answers it as a failure of its own. */
  readonly isServerFault: boolean;

  constructor(message: string, unreadable = false, isServerFault = false) {
    super(message);
    this.unreadable = unreadable;
    this.isServerFault = isServerFault;
  }
}

/** Whether `value` is a JSON object. */
export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The schema of the field `name`. */
export function fieldSchema(schema: MergeSchema | undefined, name: string): MergeSchema | undefined {
  const known = schema?.properties?.[name];
  if (known) return known;
  return typeof schema?.additionalProperties === 'object' ? schema.additionalProperties : undefined;
}

/** The keys that identify the items of a list map; undefined for every other list. */
export function listMapKeys(schema: MergeSchema | undefined): readonly string[] | undefined {
  return schema?.['x-kubernetes-list-type'] === 'map' ? schema['x-kubernetes-list-map-keys'] : undefined;
}
