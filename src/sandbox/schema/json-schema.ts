// The subset of OpenAPI v3 that a CustomResourceDefinition may use, with Kubernetes' extensions. Built-in kinds use it too.

/** A structural schema node. */
export interface JsonSchema {
  readonly type?: string;
  readonly format?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly nullable?: boolean;
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: boolean;
  readonly exclusiveMaximum?: boolean;
  readonly multipleOf?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly uniqueItems?: boolean;
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly allOf?: readonly JsonSchema[];
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly not?: JsonSchema;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
  readonly 'x-kubernetes-int-or-string'?: boolean;
  readonly 'x-kubernetes-embedded-resource'?: boolean;
  readonly 'x-kubernetes-list-type'?: string;
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-map-type'?: string;
  readonly 'x-kubernetes-validations'?: readonly ValidationRule[];
  /** Name of the type in the published OpenAPI documents; built-in kinds only. */
  readonly 'x-mizzen-type'?: string;
}

/** One CEL rule of a schema node. */
export interface ValidationRule {
  readonly rule: string;
  readonly message?: string;
  readonly messageExpression?: string;
  readonly reason?: string;
  readonly fieldPath?: string;
  readonly optionalOldSelf?: boolean;
}

/** What is wrong with one field, in Kubernetes' words. */
export interface FieldError {
  readonly reason: 'FieldValueRequired' | 'FieldValueInvalid' | 'FieldValueNotSupported' | 'FieldValueForbidden' | 'FieldValueDuplicate' | 'FieldValueTypeInvalid' | 'FieldValueTooLong' | 'FieldValueNotFound' | 'FieldValueTooMany';
  readonly path: string;
  /** Without the path: `Required value`, `Invalid value: "x": ...`. */
  readonly message: string;
}

/** A required field is missing. */
export function requiredField(path: string, detail = ''): FieldError {
  return { reason: 'FieldValueRequired', path, message: detail === '' ? 'Required value' : `Required value: ${detail}` };
}

/** A field's value is not acceptable. */
export function invalidField(path: string, value: unknown, detail: string): FieldError {
  return { reason: 'FieldValueInvalid', path, message: `Invalid value: ${showValue(value)}: ${detail}` };
}

/** A field's value is none of those there are. */
export function unsupportedField(path: string, value: unknown, supported: readonly unknown[]): FieldError {
  return { reason: 'FieldValueNotSupported', path, message: `Unsupported value: ${showValue(value)}: supported values: ${supported.map(showValue).join(', ')}` };
}

/** A field may not be set here. */
export function forbiddenField(path: string, detail: string): FieldError {
  return { reason: 'FieldValueForbidden', path, message: `Forbidden: ${detail}` };
}

/** A value that has to be unique is there twice. */
export function duplicateField(path: string, value: unknown): FieldError {
  return { reason: 'FieldValueDuplicate', path, message: `Duplicate value: ${showValue(value)}` };
}

/** `path.name`, or `name` at the top. */
export function childPath(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

function showValue(value: unknown): string {
  return value === undefined ? 'null' : JSON.stringify(value);
}
