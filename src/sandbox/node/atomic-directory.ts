// A directory whose files change all at once, laid out as the kubelet does: the names are links through `..data`, which
// is a link to the present version, so that a reader sees one version or the other and a watcher sees one change.
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readlinkSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Contents of one file. */
export interface VolumeFile {
  readonly data: Buffer;
  readonly mode: number;
}

const DATA = '..data';

/** Writes versions of a directory. */
export class AtomicDirectory {
  readonly path: string;
  #present: ReadonlyMap<string, VolumeFile> | undefined;

  constructor(path: string) {
    this.path = path;
    mkdirSync(path, { recursive: true });
  }

  /** Replaces the contents; files by path below the directory. Returns whether anything changed. */
  write(files: ReadonlyMap<string, VolumeFile>): boolean {
    if (this.#present && same(this.#present, files)) return false;
    const version = mkdtempSync(join(this.path, `..${new Date().toISOString().replace(/[-:T]/g, '_').slice(0, 19)}.`));
    chmodSync(version, 0o755);
    for (const [name, file] of files) {
      const path = join(version, name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, file.data);
      chmodSync(path, file.mode);
    }
    const old = this.#presentVersion();
    const link = join(this.path, '..data_tmp');
    rmSync(link, { force: true });
    symlinkSync(version.slice(this.path.length + 1), link);
    renameSync(link, join(this.path, DATA));
    this.#linkNames(new Set([...files.keys()].map((name) => name.split('/', 1)[0] ?? name)));
    if (old !== undefined) rmSync(join(this.path, old), { recursive: true, force: true });
    this.#present = new Map(files);
    return true;
  }

  #presentVersion(): string | undefined {
    try {
      return readlinkSync(join(this.path, DATA));
    } catch (error) {
      // The first version has none before it.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  #linkNames(names: ReadonlySet<string>): void {
    const present = new Set(readdirSync(this.path).filter((name) => !name.startsWith('..')));
    for (const name of names) if (!present.has(name)) symlinkSync(join(DATA, name), join(this.path, name));
    for (const name of present) if (!names.has(name)) rmSync(join(this.path, name), { force: true });
  }
}

function same(a: ReadonlyMap<string, VolumeFile>, b: ReadonlyMap<string, VolumeFile>): boolean {
  if (a.size !== b.size) return false;
  for (const [name, file] of a) {
    const other = b.get(name);
    if (!other || other.mode !== file.mode || !other.data.equals(file.data)) return false;
  }
  return true;
}
