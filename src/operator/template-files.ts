// Reads the templates from disk, once at start, so that all that follows is pure.
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { parseVersionRegistry, type RelatedImages, type VersionRegistry } from './versions/index.ts';

/** The registry of the versions in a directory, with other images than the versions' own where they are named. */
export function loadVersionRegistry(directory: string, related?: RelatedImages): VersionRegistry {
  return parseVersionRegistry(readTextFiles(directory), related);
}

/** Every file's text by its path below `directory`, with forward slashes. */
export function readTextFiles(directory: string): Map<string, string> {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(entries.map((entry) => {
    const path = join(entry.parentPath, entry.name);
    return [relative(directory, path).split(sep).join('/'), readFileSync(path, 'utf8')] as const;
  }).sort(([left], [right]) => (left < right ? -1 : 1)));
}
