// The layers of images as folders, for the Dockerfile: its build stage runs this, and each image copies the folders that it consists of.
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { arrange, type FileEntry } from './file-tree.ts';
import type { LayerFiles, ImageRequest } from './layer-files.ts';

/** Writes each layer of images into a folder of its name below `folder`, which is emptied first. */
export async function stageLayers(files: LayerFiles, requests: readonly ImageRequest[], folder: string): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  const done = new Set<string>();
  for (const request of requests) {
    for (const layer of await files.of(request)) {
      if (done.has(layer.name)) continue;
      done.add(layer.name);
      writeTree(layer.files, join(folder, layer.name));
    }
  }
}

function writeTree(entries: readonly FileEntry[], folder: string): void {
  for (const entry of arrange(entries)) {
    const path = join(folder, entry.path);
    mkdirSync(entry.type === 'directory' ? path : dirname(path), { recursive: true });
    if (entry.type === 'symlink') symlinkSync(entry.target, path);
    if (entry.type === 'file') writeFileSync(path, entry.content);
    // Not left to the umask.
    if (entry.type !== 'symlink') chmodSync(path, entry.mode ?? (entry.type === 'file' ? 0o644 : 0o755));
  }
}
