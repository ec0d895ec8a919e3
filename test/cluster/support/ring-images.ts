// The images that the ring's runner built and loaded into the nodes: archives in one folder with their list.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BuiltImage } from '../../../tools/images/index.ts';

/** Where the archives and images.json lie. */
export const RING_IMAGES = fileURLToPath(new URL('../../../.cache/cluster-images', import.meta.url));

/** The images of the ring, or those of some names. */
export function ringImages(...names: readonly string[]): BuiltImage[] {
  const { images } = JSON.parse(readFileSync(join(RING_IMAGES, 'images.json'), 'utf8')) as { readonly images: readonly BuiltImage[] };
  return images.filter(({ name }) => names.length === 0 || names.includes(name));
}
