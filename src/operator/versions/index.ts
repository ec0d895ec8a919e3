// Versions of the mesh that the operator can install. Pure.
export { type Component, type VersionDescriptor, type VersionDirectory, type VersionEntry, type Wave } from './descriptor.ts';
export { readRelatedImages, relatedImageVariable, type RelatedImages } from './related-images.ts';
export { checkVersionChange } from './version-change.ts';
export { digestText, parseVersionRegistry, VersionRegistry } from './version-registry.ts';
