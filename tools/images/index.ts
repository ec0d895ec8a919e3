// Images without a container engine: a general writer of OCI archives, and Mizzen's own images.
export { directory, file, readTar, readTree, symlink, type FileEntry } from './file-tree.ts';
export { writeLayer, type Layer, type LayerSource } from './layer.ts';
export { writeImage, writeMultiPlatformImage, type ImageConfig, type ImageTarget, type ImageVariant, type Platform, type WrittenImage } from './write-image.ts';
export { imageCache } from './cache.ts';
export { buildImages, LOCK_FILE, REGISTRY, stageImages, type BuiltImage, type BuildOptions } from './build-images.ts';
export { resolveLock } from './debian-packages.ts';
export { ALL_ARCHITECTURES, IMAGES_USAGE, type ImagesCommandLine } from './command-line.ts';
export { sizeTable } from './size-table.ts';
export { debianPackageNames } from './layer-files.ts';
export { writeManifests, type ManifestOptions } from './manifests.ts';
export { pushImages, referencePrefix, type PushOptions } from './push-images.ts';
export { startRegistry, type Registry } from './registry.ts';
