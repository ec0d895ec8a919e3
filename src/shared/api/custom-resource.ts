// What a kind of ours needs beyond ResourceType so that its CustomResourceDefinition can be generated from its zod schema.
// Each kind's file exports one row; src/shared/api/registry.ts lists the rows; tools/generate.ts writes crds/.
import type { z } from 'zod';
import type { KubernetesObject, ResourceType } from './meta/index.ts';

/** One column of `kubectl get`. */
export interface PrinterColumn {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'date';
  readonly jsonPath: string;
  readonly description?: string;
  /** 1 hides the column unless `-o wide`. */
  readonly priority?: number;
}

/** One kind whose CustomResourceDefinition we generate. */
export interface CustomResourceType<T extends KubernetesObject = KubernetesObject> extends ResourceType<T> {
  /** Every version of the group's API that is served, all with this one schema; `version` is the one stored. */
  readonly servedVersions: readonly string[];
  /** Versions that the definition names but does not serve yet, with a schema that keeps everything. */
  readonly unservedVersions?: readonly string[];
  /** Schema of `spec`. */
  readonly schema: z.ZodType;
  /** Schema of `status`; absent when the kind has no status subresource. */
  readonly statusSchema?: z.ZodType;
  /** Field names of the object that must be there, for example `spec`. */
  readonly required?: readonly string[];
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  /** Columns; an Age column is added at the end when absent. */
  readonly printerColumns?: readonly PrinterColumn[];
}
