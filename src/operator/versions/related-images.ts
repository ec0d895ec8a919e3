// Images by digest: what the operator's deployment names in its environment stands in place of the tags in templates/<version>/version.yaml.
// The variables are those that OLM's tools collect into a bundle's relatedImages: RELATED_IMAGE_V3_1_PROXY=registry/mizzen/mizzen-proxy@sha256:...
import { err, errorIssue, ok, type Issue, type Result } from '../../shared/lib/index.ts';
import type { VersionDescriptor, VersionDirectory } from './descriptor.ts';

/** Image references by the name of their variable. */
export type RelatedImages = ReadonlyMap<string, string>;

const PREFIX = 'RELATED_IMAGE_';
const REFERENCE = /^(?<name>[a-z0-9][a-zA-Z0-9.:/_-]*?)(?<tag>:[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?(?<digest>@sha256:[0-9a-f]{64})?$/;

/** The name of the variable for an image of a version: v3.1 and proxy give RELATED_IMAGE_V3_1_PROXY. */
export function relatedImageVariable(version: string, image: string): string {
  return `${PREFIX}${version.replaceAll('.', '_')}_${image}`.toUpperCase();
}

/** The images that an environment names; an issue for what is no image reference. */
export function readRelatedImages(environment: Readonly<Record<string, string | undefined>>): Result<RelatedImages, Issue[]> {
  const given = Object.entries(environment).flatMap(([name, value]): [string, string][] => (name.startsWith(PREFIX) && value ? [[name, value]] : []));
  const issues = given.filter(([, value]) => !REFERENCE.test(value)).map(([name, value]) => errorIssue('MESH_OP_RELATED_IMAGE', name, `${value} is no image reference; give it as registry/name@sha256:digest`));
  return issues.length > 0 ? err(issues) : ok(new Map(given));
}

/** A version's directory with the images that are named for it. A digest keeps the version's own tag beside it, for users who choose another name. */
export function withRelatedImages(directory: VersionDirectory, related: RelatedImages): VersionDirectory {
  const { descriptor } = directory;
  const images = Object.fromEntries(Object.entries(descriptor.images).map(([image, own]) => {
    const named = related.get(relatedImageVariable(descriptor.name, image));
    return [image, named === undefined ? own : withTag(named, own)];
  })) as VersionDescriptor['images'];
  return { ...directory, descriptor: { ...descriptor, images } };
}

function withTag(reference: string, own: string): string {
  const { name = reference, tag, digest = '' } = REFERENCE.exec(reference)?.groups ?? {};
  const ownTag = own.slice(own.lastIndexOf('/') + 1).split(':')[1];
  return `${name}${tag ?? (ownTag === undefined ? '' : `:${ownTag}`)}${digest}`;
}
