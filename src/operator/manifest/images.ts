// Which image a component runs: the version's own, unless the user names a registry, a name or a tag.

/** The part of a container's runtime that names an image. */
export interface ImageChoice {
  readonly imageName?: string | undefined;
  readonly imageRegistry?: string | undefined;
  readonly imageTag?: string | undefined;
}

/**
 * The image to run; earlier choices win over later ones. A name with a slash or an at sign is taken whole. A digest of the version's own image holds
 * as long as nobody names another image or tag; in a registry that mirrors the version's own it is the same.
 */
export function chooseImage(own: string, ...choices: readonly (ImageChoice | undefined)[]): string {
  const { registry, name, tag, digest } = splitImage(own);
  const otherName = first(choices.map((choice) => choice?.imageName));
  if (otherName?.includes('/') || otherName?.includes('@')) return otherName;
  const otherTag = first(choices.map((choice) => choice?.imageTag));
  const chosenRegistry = first(choices.map((choice) => choice?.imageRegistry)) ?? registry;
  const place = `${chosenRegistry ? `${chosenRegistry}/` : ''}${otherName ?? name}`;
  if (digest !== '' && (otherName ?? name) === name && otherTag === undefined) return `${place}@${digest}`;
  const chosenTag = otherTag ?? tag;
  return `${place}${chosenTag ? `:${chosenTag}` : ''}`;
}

function splitImage(image: string): { registry: string; name: string; tag: string; digest: string } {
  const [reference = '', digest = ''] = image.split('@');
  const slash = reference.lastIndexOf('/');
  const [name = '', tag = ''] = reference.slice(slash + 1).split(':');
  return { registry: slash < 0 ? '' : reference.slice(0, slash), name, tag, digest };
}

function first(values: readonly (string | undefined)[]): string | undefined {
  return values.find((value) => value !== undefined && value !== '');
}
