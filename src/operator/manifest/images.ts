// Which image a component runs: the version's own, unless the user names a registry, a name or a tag.

/** The part of a container's runtime that names an image. */
export interface ImageChoice {
  readonly imageName?: string | undefined;
  readonly imageRegistry?: string | undefined;
  readonly imageTag?: string | undefined;
}

/** The image to run; earlier choices win over later ones. A name with a slash or an at sign is taken whole. */
export function chooseImage(own: string, ...choices: readonly (ImageChoice | undefined)[]): string {
  const { registry, name, tag } = splitImage(own);
  const chosenName = first(choices.map((choice) => choice?.imageName)) ?? name;
  if (chosenName.includes('/') || chosenName.includes('@')) return chosenName;
  const chosenRegistry = first(choices.map((choice) => choice?.imageRegistry)) ?? registry;
  const chosenTag = first(choices.map((choice) => choice?.imageTag)) ?? tag;
  return `${chosenRegistry ? `${chosenRegistry}/` : ''}${chosenName}${chosenTag ? `:${chosenTag}` : ''}`;
}

function splitImage(image: string): { registry: string; name: string; tag: string } {
  const slash = image.lastIndexOf('/');
  const [name = '', tag = ''] = image.slice(slash + 1).split(':');
  return { registry: slash < 0 ? '' : image.slice(0, slash), name, tag };
}

function first(values: readonly (string | undefined)[]): string | undefined {
  return values.find((value) => value !== undefined && value !== '');
}
