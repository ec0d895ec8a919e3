// Label and field selectors of a list, watch or deletecollection.
import { matchesFields, parseFieldSelector, parseLabelSelector, SelectorError, type KubeObject } from '../store/index.ts';
import type { ResourceInfo, ResourceVersion } from './resource-info.ts';
import { badRequest } from './status.ts';

/** Whether an object is selected. */
export type Selection = (object: KubeObject) => boolean;

/** Where an event has what is asked for: it is stored in the terms of the first group, which also says in two ways who reported it. */
function storedPath(info: ResourceInfo, object: KubeObject, path: string): string {
  if (info.storeKey !== '/events') return path;
  if (path === 'source') return object['source']?.component ? 'source.component' : 'reportingComponent';
  return path === 'reportingController' ? 'reportingComponent' : path.replace(/^regarding\./, 'involvedObject.');
}

/** Compiles both selectors; throws 400 for one that cannot be read or a field that cannot be selected by. */
export function compileSelection(info: ResourceInfo, version: ResourceVersion, labelSelector: string | null | undefined, fieldSelector: string | null | undefined): Selection | undefined {
  try {
    const labels = labelSelector ? parseLabelSelector(labelSelector) : undefined;
    const terms = fieldSelector ? parseFieldSelector(fieldSelector) : [];
    for (const { path } of terms) {
      if (path === 'metadata.name' || (path === 'metadata.namespace' && info.namespaced) || version.selectableFields.includes(path)) continue;
      throw badRequest(version.selectableFields.length === 0 && !info.custom
        ? `"${path}" is not a known field selector: only "metadata.name", "metadata.namespace"`
        : `field label not supported: ${path}`);
    }
    if (!labels && terms.length === 0) return undefined;
    return (object) => (labels === undefined || labels(object.metadata.labels)) && matchesFields(object, terms.map((term) => ({ ...term, path: storedPath(info, object, term.path) })));
  } catch (error) {
    if (error instanceof SelectorError) throw badRequest(error.message);
    throw error;
  }
}
