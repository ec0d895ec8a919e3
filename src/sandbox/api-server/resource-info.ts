// What the server knows of one resource, built-in or custom.
import type { JsonSchema } from '../schema/index.ts';

/** A column of a Table answer. */
export interface PrinterColumn {
  readonly name: string;
  readonly type: string;
  readonly format?: string;
  readonly description?: string;
  readonly priority?: number;
  readonly jsonPath: string;
}

/** Where the scale subresource reads and writes. */
export interface ScalePaths {
  readonly specReplicas: string;
  readonly statusReplicas: string;
  readonly selector?: string;
}

/** One served version. */
export interface ResourceVersion {
  readonly name: string;
  readonly schema: JsonSchema;
  readonly status: boolean;
  readonly scale?: ScalePaths;
  readonly columns?: readonly PrinterColumn[];
  readonly deprecationWarning?: string;
  readonly selectableFields: readonly string[];
}

/** How objects go from one version to another. */
export interface WebhookConversion {
  readonly clientConfig: WebhookClientConfig;
  readonly reviewVersions: readonly string[];
}

/** Where a webhook is. */
export interface WebhookClientConfig {
  readonly url?: string;
  readonly service?: { readonly namespace: string; readonly name: string; readonly path?: string; readonly port?: number };
  readonly caBundle?: string;
}

/** One resource. */
export interface ResourceInfo {
  readonly group: string;
  readonly plural: string;
  readonly singular: string;
  readonly kind: string;
  readonly listKind: string;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  /** Served versions, preferred first. */
  readonly versions: readonly ResourceVersion[];
  readonly storageVersion: string;
  /** Key of its objects in the store. */
  readonly storeKey: string;
  readonly custom: boolean;
  /** Answered, not stored. */
  readonly virtual: boolean;
  readonly conversion?: WebhookConversion;
}

/** `group/version`, or the version alone in the core group. */
export function groupVersion(group: string, version: string): string {
  return group === '' ? version : `${group}/${version}`;
}

/** The version of `info` with that name, when it is served. */
export function servedVersion(info: ResourceInfo, name: string): ResourceVersion | undefined {
  return info.versions.find((version) => version.name === name);
}
