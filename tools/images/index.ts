// Images without a container engine: a general writer of OCI archives, and Mizzen's own images.
export { directory, file, readTar, readTree, symlink, type FileEntry } from './file-tree.ts';
export { writeLayer, type Layer, type LayerSource } from './layer.ts';
export { writeImage, writeMultiPlatformImage, type ImageConfig, type ImageTarget, type ImageVariant, type Platform, type WrittenImage } from './write-image.ts';
export { buildImages, imageCache, LOCK_FILE, type BuiltImage, type BuildOptions } from './build-images.ts';
export { resolveLock } from './debian-packages.ts';
export { HELP, parseRequest } from './command-line.ts';
export { sizeTable } from './size-table.ts';
export { debianPackageNames } from './image-layers.ts';
