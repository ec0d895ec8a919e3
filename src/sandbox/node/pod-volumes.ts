// The volumes of one pod: a directory each, filled from their sources and kept up to date while the pod lives.
import { existsSync, mkdirSync } from 'node:fs';
import { join, normalize } from 'node:path';
import type { StoredObject } from '../api-server/internal-client.ts';
import { AtomicDirectory } from './atomic-directory.ts';
import { expand } from './environment.ts';
import { volumeFiles, type VolumeSources } from './volume-sources.ts';

type Spec = StoredObject['spec'];

/** Where the volumes of a pod lie. */
export interface PodVolumesOptions {
  readonly pod: StoredObject;
  readonly directory: string;
  /** What hostPath and claimed volumes are mapped below. */
  readonly hostDirectory: string;
  readonly sources: () => VolumeSources;
}

/** Fills and finds the volumes of a pod. */
export class PodVolumes {
  readonly #options: PodVolumesOptions;
  readonly #volumes: readonly Spec[];
  readonly #directories = new Map<string, AtomicDirectory>();

  constructor(options: PodVolumesOptions) {
    this.#options = options;
    this.#volumes = options.pod.spec.volumes ?? [];
  }

  /** Makes every volume anew from its sources; returns when that must be done again. */
  async refresh(): Promise<number> {
    let renewAt = Infinity;
    for (const volume of this.#volumes) {
      const made = await volumeFiles(volume, this.#options.sources());
      if (!made) {
        mkdirSync(this.#path(volume), { recursive: true });
        continue;
      }
      const directory = this.#directories.get(volume.name) ?? new AtomicDirectory(this.#path(volume));
      this.#directories.set(volume.name, directory);
      directory.write(made.files);
      renewAt = Math.min(renewAt, made.renewAt);
    }
    return renewAt;
  }

  /** Whether a volume is made from a ConfigMap or Secret of this name. */
  uses(kind: 'configMap' | 'secret', name: string): boolean {
    const named = (source: Spec): boolean => (kind === 'configMap' ? source.configMap?.name === name : source.secret?.secretName === name || source.secret?.name === name);
    return this.#volumes.some((volume) => named(volume) || (volume.projected?.sources ?? []).some(named));
  }

  /** Paths in a container and on the host. */
  mounts(container: Spec, environment: Readonly<Record<string, string>>): [string, string][] {
    const mounts: Spec[] = container.volumeMounts ?? [];
    return mounts.flatMap((mount): [string, string][] => {
      const volume = this.#volumes.find((candidate) => candidate.name === mount.name);
      if (!volume) return [];
      const subPath = mount.subPathExpr ? expand(mount.subPathExpr, environment) : mount.subPath ?? '';
      const path = join(this.#path(volume), normalize(`/${subPath}`));
      if (subPath && !volume.configMap && !volume.secret && !volume.projected && !existsSync(path)) mkdirSync(path, { recursive: true });
      return [[trim(mount.mountPath), trim(path)]];
    });
  }

  #path(volume: Spec): string {
    if (volume.hostPath) return join(this.#options.hostDirectory, 'host', normalize(`/${volume.hostPath.path}`));
    if (volume.persistentVolumeClaim) return join(this.#options.hostDirectory, 'claims', this.#options.pod.metadata.namespace ?? '', volume.persistentVolumeClaim.claimName);
    return join(this.#options.directory, 'v', volume.name);
  }
}

function trim(path: string): string {
  return path.length > 1 ? path.replace(/\/+$/, '') : path;
}
