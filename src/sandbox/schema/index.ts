// Structural schemas: validation, defaulting, pruning and CEL rules, for custom resources and built-in kinds alike.
export { checkCondition, evaluateCondition, type ConditionAuthorizer } from './match-condition.ts';
export { checkCel, checkRule, evaluateCel, evaluateRules, hasRules } from './cel-rules.ts';
export { parseCompactSchemas } from './compact-schema.ts';
export { applyDefaults, dropForbiddenNulls } from './defaults.ts';
export { isIpv4, isIpv6 } from './formats.ts';
export { childPath, duplicateField, forbiddenField, invalidField, requiredField, unsupportedField, type FieldError, type JsonSchema, type ValidationRule } from './json-schema.ts';
export { pruneUnknown } from './prune.ts';
export { validateValue } from './validate.ts';
export { dropUnchanged } from './ratchet.ts';
export { amountOf, formatQuantity, parseQuantity, type Quantity } from './quantities.ts';
