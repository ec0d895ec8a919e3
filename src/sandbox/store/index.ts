// The embedded cluster's store: objects, revisions, watches and selectors.
export { matchesFields, parseFieldSelector, readField, type FieldTerm } from './field-selector.ts';
export { Journal } from './journal.ts';
export { deepFreeze, objectKey, type KubeMeta, type KubeObject } from './kube-object.ts';
export { compileLabelSelector, parseLabelSelector, SelectorError, type LabelPredicate, type LabelSelectorObject } from './label-selector.ts';
export { ExpiredError, type StoreEvent } from './resource-table.ts';
export { Store, type StoreOptions } from './store.ts';
