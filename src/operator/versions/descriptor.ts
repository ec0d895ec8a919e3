// What templates/versions.yaml and templates/<version>/version.yaml say, with the schemas that check them.
import { z } from 'zod';

/** One version in versions.yaml. */
export const versionEntrySchema = z.strictObject({
  name: z.string(),
  /** current: the default; supported: installable; eol: still a valid value, never installed. */
  status: z.enum(['current', 'supported', 'eol']),
  /** Versions from which an edit of spec.version leads here. */
  upgradeFrom: z.array(z.string()).default([]),
  /** Versions to which an edit may go back from here. */
  downgradeTo: z.array(z.string()).default([]),
  /** Since when its directory is frozen, and the SHA-256 of `digestText` over the directory as it was then; absent while nothing of that version is released, and it may change. */
  released: z.strictObject({ on: z.string().regex(/^\d{4}-\d{2}-\d{2}$/), digest: z.string().regex(/^sha256:[0-9a-f]{64}$/) }).optional(),
});

/** versions.yaml. */
export const versionsFileSchema = z.strictObject({ versions: z.array(versionEntrySchema) });

const componentSchema = z.strictObject({
  /** Name in labels and status. */
  name: z.string(),
  /** Directory below components/. */
  directory: z.string(),
  /** Dotted path in the values; the component is rendered when it is true. */
  when: z.string().optional(),
  /** Name of a list in the values; the component is rendered once an item, as `gateway`. */
  forEach: z.string().optional(),
});

const waveSchema = z.strictObject({
  name: z.string(),
  deadlineSeconds: z.number().int().positive(),
  components: z.array(componentSchema),
});

/** version.yaml. */
export const versionDescriptorSchema = z.strictObject({
  name: z.string(),
  chartVersion: z.string(),
  images: z.strictObject({ discovery: z.string(), proxy: z.string(), cni: z.string() }),
  /** What proxies of this version do that those of another do not. */
  features: z.strictObject({ nativeSidecars: z.boolean(), deltaXds: z.boolean() }),
  waves: z.array(waveSchema),
});

/** One version in versions.yaml. */
export type VersionEntry = z.infer<typeof versionEntrySchema>;
/** version.yaml of an installable version. */
export type VersionDescriptor = z.infer<typeof versionDescriptorSchema>;
/** One wave of a roll-out. */
export type Wave = VersionDescriptor['waves'][number];
/** One component of a wave. */
export type Component = Wave['components'][number];

/** A version's directory: its descriptor and every file's text by path inside the directory. */
export interface VersionDirectory {
  readonly descriptor: VersionDescriptor;
  readonly files: ReadonlyMap<string, string>;
}
