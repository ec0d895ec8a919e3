// The images that the node knows: a table of programs instead of a registry.

/** The program that an image stands for. */
export interface ImageProgram {
  /** What an image's ENTRYPOINT would be. */
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly workingDirectory?: string;
  /** Further commands that the image has in its path: what a command's name stands for, to be followed by its arguments. */
  readonly executables?: Readonly<Record<string, readonly string[]>>;
}

/** Programs by image name without tag or digest. */
export type ImageTable = Readonly<Record<string, ImageProgram>>;

/** The name of an image without registry tag and digest, and the tag. */
export function parseImage(image: string): { name: string; tag: string } {
  const withoutDigest = image.split('@', 1)[0] ?? '';
  const colon = withoutDigest.lastIndexOf(':');
  return colon > withoutDigest.lastIndexOf('/') ? { name: withoutDigest.slice(0, colon), tag: withoutDigest.slice(colon + 1) } : { name: withoutDigest, tag: 'latest' };
}

/** The program of an image; undefined when the image cannot be pulled. `tags` limits the tags that an image has. */
export function findImage(images: ImageTable, tags: Readonly<Record<string, readonly string[]>>, image: string): ImageProgram | undefined {
  const { name, tag } = parseImage(image);
  if (tag.endsWith('-unavailable')) return undefined;
  const known = [name, name.replace(/^docker\.io\/(library\/)?/, '')].find((candidate) => Object.hasOwn(images, candidate));
  if (known === undefined) return undefined;
  const listed = tags[known];
  return listed && !listed.includes(tag) ? undefined : images[known];
}

/** A command line with its first word replaced when it names an executable of the image, alone or in one of the usual folders. */
export function resolveExecutable(image: ImageProgram, words: readonly string[]): readonly string[] {
  const [first = '', ...rest] = words;
  const name = first.replace(/^\/(usr\/(local\/)?)?bin\//, '');
  const { executables = {} } = image;
  return Object.hasOwn(executables, name) ? [...(executables[name] ?? []), ...rest] : words;
}
