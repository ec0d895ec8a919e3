// Turns CustomResourceDefinitions into served resources: accepts their names, sets their conditions, and follows every change.
import { deepEqual } from '../../shared/lib/index.ts';
import { recordUpdate } from '../patch/index.ts';
import type { JsonSchema } from '../schema/index.ts';
import type { KubeObject, Store } from '../store/index.ts';
import { BUILT_IN_TYPES } from './kinds/built-in-kinds.ts';
import type { Registry } from './registry.ts';
import type { PrinterColumn, ResourceInfo, ResourceVersion, WebhookClientConfig } from './resource-info.ts';
import { timestamp } from './timestamps.ts';

const CRDS = 'apiextensions.k8s.io/customresourcedefinitions';
const AGE: PrinterColumn = { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' };

const OBJECT_METADATA: JsonSchema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };

interface CrdVersion {
  readonly name: string;
  readonly served: boolean;
  readonly storage: boolean;
  readonly deprecated?: boolean;
  readonly deprecationWarning?: string;
  readonly schema?: { readonly openAPIV3Schema?: JsonSchema };
  readonly subresources?: { readonly status?: object; readonly scale?: { specReplicasPath: string; statusReplicasPath: string; labelSelectorPath?: string } };
  readonly additionalPrinterColumns?: readonly PrinterColumn[];
  readonly selectableFields?: readonly { jsonPath: string }[];
}

interface Condition { type: string; status: string; reason: string; message: string; lastTransitionTime: string }

/** Keeps the registry equal to the CustomResourceDefinitions in the store, at once and in the same turn. */
export class CustomResources {
  readonly #store: Store;
  readonly #registry: Registry;

  constructor(store: Store, registry: Registry) {
    this.#store = store;
    this.#registry = registry;
    for (const crd of store.list(CRDS)) this.#serve(crd);
    store.subscribe(CRDS, (event) => {
      if (event.type === 'DELETED') this.#withdraw(event.object);
      else this.#serve(event.object);
    });
  }

  #withdraw(crd: KubeObject): void {
    const { group, names } = crd.spec;
    const served = this.#registry.find(group, names.plural);
    if (served?.custom === true) this.#registry.setCustom(group, names.plural, undefined);
  }

  #serve(crd: KubeObject): void {
    const { group, names } = crd.spec;
    const problem = this.#nameProblem(group, names.plural, names.kind);
    if (problem === undefined) this.#registry.setCustom(group, names.plural, describe(crd));
    this.#writeStatus(crd, problem);
  }

  #nameProblem(group: string, plural: string, kind: string): string | undefined {
    const samePlural = this.#registry.find(group, plural);
    if (samePlural && !samePlural.custom) return `${JSON.stringify(plural)} is already in use`;
    const sameKind = this.#registry.byKind(group, kind);
    return sameKind && sameKind.plural !== plural ? `${JSON.stringify(kind)} is already in use` : undefined;
  }

  #writeStatus(crd: KubeObject, problem: string | undefined): void {
    const { names, versions } = crd.spec;
    const accepted = problem === undefined;
    const storage = (versions as CrdVersion[]).find((version) => version.storage)?.name ?? '';
    const wanted = {
      conditions: mergeConditions(crd.status?.conditions ?? [], [
        accepted ? condition('NamesAccepted', 'True', 'NoConflicts', 'no conflicts found') : condition('NamesAccepted', 'False', 'PluralConflict', problem),
        accepted ? condition('Established', 'True', 'InitialNamesAccepted', 'the initial names have been accepted') : condition('Established', 'False', 'NotAccepted', 'not all names are accepted'),
        ...(crd.metadata.deletionTimestamp === undefined ? [] : [condition('Terminating', 'True', 'InstanceDeletionInProgress', 'CustomResource deletion is in progress')]),
      ]),
      acceptedNames: accepted ? names : { plural: '', kind: '' },
      storedVersions: [...new Set([...(crd.status?.storedVersions ?? []), storage])],
    };
    if (deepEqual(wanted, crd.status)) return;
    const manager = { manager: 'kube-apiserver', operation: 'Update' as const, apiVersion: crd.apiVersion, subresource: 'status', time: timestamp() };
    this.#store.put(CRDS, recordUpdate(crd, { ...crd, status: wanted }, manager, BUILT_IN_TYPES.get('CustomResourceDefinition')) as KubeObject);
  }
}

function condition(type: string, status: string, reason: string, message: string): Condition {
  return { type, status, reason, message, lastTransitionTime: timestamp() };
}

/** A condition that stays as it is keeps its time. */
function mergeConditions(present: readonly Condition[], wanted: readonly Condition[]): Condition[] {
  return wanted.map((next) => {
    const before = present.find((candidate) => candidate.type === next.type);
    return before?.status === next.status ? { ...next, lastTransitionTime: before.lastTransitionTime } : next;
  });
}

function describe(crd: KubeObject): ResourceInfo {
  const { group, names, scope, versions, conversion } = crd.spec;
  const all = versions as CrdVersion[];
  return {
    group,
    plural: names.plural,
    singular: names.singular ?? String(names.kind).toLowerCase(),
    kind: names.kind,
    listKind: names.listKind ?? `${String(names.kind)}List`,
    namespaced: scope === 'Namespaced',
    shortNames: names.shortNames ?? [],
    categories: names.categories ?? [],
    versions: all.filter((version) => version.served).sort((a, b) => compareVersions(b.name, a.name)).map((version) => describeVersion(group, names.kind, version, all)),
    storageVersion: all.find((version) => version.storage)?.name ?? all[0]?.name ?? '',
    storeKey: `${String(group)}/${String(names.plural)}`,
    custom: true,
    virtual: false,
    ...(conversion?.strategy === 'Webhook' ? { conversion: { clientConfig: conversion.webhook.clientConfig as WebhookClientConfig, reviewVersions: conversion.webhook.conversionReviewVersions } } : {}),
  };
}

/** What a version that is deprecated says of itself: which one to use instead. */
function deprecation(group: string, kind: string, version: CrdVersion, all: readonly CrdVersion[]): string {
  const better = all.filter((other) => other.served && other.deprecated !== true && compareVersions(other.name, version.name) > 0).sort((a, b) => compareVersions(b.name, a.name))[0];
  return `${group}/${version.name} ${kind} is deprecated${better ? `; use ${group}/${better.name} ${kind}` : ''}`;
}

function describeVersion(group: string, kind: string, version: CrdVersion, all: readonly CrdVersion[]): ResourceVersion {
  const schema = version.schema?.openAPIV3Schema ?? { 'x-kubernetes-preserve-unknown-fields': true };
  const { status, scale } = version.subresources ?? {};
  return {
    name: version.name,
    // Metadata is the server's own; what a definition says of it is not checked here.
    schema: { ...schema, properties: { ...schema.properties, metadata: OBJECT_METADATA } },
    status: status !== undefined,
    ...(scale ? { scale: { specReplicas: scale.specReplicasPath, statusReplicas: scale.statusReplicasPath, ...(scale.labelSelectorPath === undefined ? {} : { selector: scale.labelSelectorPath }) } } : {}),
    columns: version.additionalPrinterColumns ? [...version.additionalPrinterColumns] : [AGE],
    ...(version.deprecated === true ? { deprecationWarning: version.deprecationWarning ?? deprecation(group, kind, version, all) } : {}),
    selectableFields: (version.selectableFields ?? []).map((field) => field.jsonPath.replace(/^\./, '')),
  };
}

/** Kubernetes' order of versions: v2, v1, v1beta2, v1beta1, v1alpha1, then names. */
export function compareVersions(left: string, right: string): number {
  const rank = (text: string): [number, number, number] => {
    const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(text);
    if (!match) return [0, 0, 0];
    return [match[2] === undefined ? 3 : match[2] === 'beta' ? 2 : 1, Number(match[1]), Number(match[3] ?? 0)];
  };
  const a = rank(left);
  const b = rank(right);
  for (let index = 0; index < 3; index += 1) if (a[index] !== b[index]) return (a[index] ?? 0) - (b[index] ?? 0);
  return left < right ? 1 : left > right ? -1 : 0;
}
