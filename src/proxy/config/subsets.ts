// Subsets of a cluster's endpoints by metadata (envoy.config.cluster.v3.Cluster.LbSubsetConfig), and the metadata that routes choose them by.
import {
  Cluster_LbSubsetConfig_LbSubsetFallbackPolicy as Fallback, Cluster_LbSubsetConfig_LbSubsetMetadataFallbackPolicy as MetadataFallback, Cluster_LbSubsetConfig_LbSubsetSelector_LbSubsetSelectorFallbackPolicy as SelectorFallback,
  type Cluster_LbSubsetConfig, type Cluster_LbSubsetConfig_LbSubsetSelector,
} from '../../shared/xds/generated/envoy/config/cluster/v3/cluster.ts';
import type { Metadata } from '../../shared/xds/generated/envoy/config/core/v3/base.ts';
import type { Findings } from './findings.ts';
import type { SubsetSelectorConfig, SubsetsConfig } from './runtime-config.ts';

const FALLBACKS: Readonly<Record<number, SubsetsConfig['fallback']>> = { [Fallback.NO_FALLBACK]: 'none', [Fallback.ANY_ENDPOINT]: 'any', [Fallback.DEFAULT_SUBSET]: 'default_subset' };
const SELECTOR_FALLBACKS: Readonly<Record<number, SubsetSelectorConfig['fallback']>> = {
  [SelectorFallback.NOT_DEFINED]: 'cluster', [SelectorFallback.NO_FALLBACK]: 'none', [SelectorFallback.ANY_ENDPOINT]: 'any', [SelectorFallback.DEFAULT_SUBSET]: 'default_subset', [SelectorFallback.KEYS_SUBSET]: 'keys_subset',
};

/** The subsets; null when there is no selector and nothing to fall back to. */
export function subsets(message: Cluster_LbSubsetConfig | undefined, findings: Findings): SubsetsConfig | null {
  if (!message) return null;
  const fallback = FALLBACKS[message.fallbackPolicy ?? 0];
  if (!fallback) findings.refuse('lb_subset_config.fallback_policy', 'This fallback policy is not known.');
  if ((message.metadataFallbackPolicy ?? 0) !== MetadataFallback.METADATA_NO_FALLBACK) findings.refuse('lb_subset_config.metadata_fallback_policy', 'Lists of metadata to fall back to are not supported by this proxy.');
  const selectors = (message.subsetSelectors ?? []).map((selector, index) => selectorOf(selector, `lb_subset_config.subset_selectors[${index}]`, findings));
  if (selectors.length === 0 && fallback !== 'default_subset') return null;
  return {
    fallback: fallback ?? 'none',
    defaultSubset: textFields(message.defaultSubset ?? {}),
    selectors,
    localityWeightAware: message.localityWeightAware ?? false,
    scaleLocalityWeight: message.scaleLocalityWeight ?? false,
    panicModeAny: message.panicModeAny ?? false,
    listAsAny: message.listAsAny ?? false,
  };
}

function selectorOf(message: Cluster_LbSubsetConfig_LbSubsetSelector, path: string, findings: Findings): SubsetSelectorConfig {
  const keys = [...new Set(message.keys ?? [])];
  const fallbackKeys = message.fallbackKeysSubset ?? [];
  const fallback = SELECTOR_FALLBACKS[message.fallbackPolicy ?? 0];
  if (!fallback) findings.refuse(`${path}.fallback_policy`, 'This fallback policy is not known.');
  if (fallback === 'keys_subset' && (fallbackKeys.length === 0 || fallbackKeys.length >= keys.length || fallbackKeys.some((key) => !keys.includes(key)))) {
    findings.refuse(`${path}.fallback_keys_subset`, 'With KEYS_SUBSET these must be some of the selector\'s keys, and not all of them.');
  }
  if (message.singleHostPerSubset && keys.length !== 1) findings.refuse(`${path}.single_host_per_subset`, 'A selector with a single host a subset has one key.');
  return { keys, fallback: fallback ?? 'cluster', fallbackKeys, singleHost: message.singleHostPerSubset ?? false };
}

/** What a route asks of endpoints: `envoy.lb` of its metadata match; null when it asks for nothing. */
export function metadataCriteria(metadata: Metadata | undefined): Readonly<Record<string, string>> | null {
  const fields = textFields(metadata?.filterMetadata?.['envoy.lb'] ?? {});
  return Object.keys(fields).length > 0 ? fields : null;
}

/** The fields that are text, numbers or booleans, as text. */
export function textFields(fields: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => isPlain(value)).map(([key, value]) => [key, String(value)]));
}

/** The fields that are lists, their plain values as text. */
export function listFields(fields: Readonly<Record<string, unknown>>): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(Object.entries(fields).flatMap(([key, value]) => (Array.isArray(value) ? [[key, value.filter(isPlain).map(String)] as const] : [])));
}

function isPlain(value: unknown): boolean {
  return ['string', 'boolean', 'number'].includes(typeof value);
}
