// What travels with one API request through admission, validation and storage.
import type { User } from '../auth/index.ts';

/** How unknown fields are treated. */
export type FieldValidation = 'Ignore' | 'Warn' | 'Strict';

/** One request's circumstances. */
export interface RequestContext {
  readonly user: User;
  /** Name in managedFields. */
  readonly fieldManager: string;
  readonly dryRun: boolean;
  readonly fieldValidation: FieldValidation;
  /** Take over fields that other managers applied. */
  readonly force: boolean;
  /** Texts for Warning headers. */
  readonly warnings: string[];
  /** The options of the request as it stated them, for webhooks. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** What is odd about the text of the body itself: fields that it has twice. */
  readonly oddities?: readonly string[];
}
