// What a built-in kind does beyond its schema: defaults that depend on other fields, validation, immutable fields.
import type { FieldError } from '../../schema/index.ts';
import type { KubeObject } from '../../store/index.ts';

/** The behaviour of one built-in kind; every part is optional. */
export interface KindRules {
  /** The kind counts changes of its spec in metadata.generation. */
  readonly generation?: boolean;
  /** Fills in what depends on other fields; runs on create and update, before admission. Changes the object. */
  readonly applyDefaults?: (object: KubeObject) => void;
  /** Changes that only creation makes; `old` is given on update for what has to be kept. */
  readonly prepare?: (object: KubeObject, old: KubeObject | undefined) => void;
  readonly validate?: (object: KubeObject, old: KubeObject | undefined) => FieldError[];
  /** Remarks on an object that is accepted. */
  readonly warn?: (object: KubeObject) => string[];
}
