// What the files of a volume are: configMap, secret, downwardAPI, and projected out of those and service account tokens.
import { Buffer } from 'node:buffer';
import type { StoredObject } from '../api-server/internal-client.ts';
import type { VolumeFile } from './atomic-directory.ts';
import { MissingSourceError, fieldValue, resourceValue, type EnvironmentSources } from './environment.ts';

type Spec = StoredObject['spec'];
type Files = Map<string, VolumeFile>;

/** A service account token with the time at which a new one is due. */
export interface MountedToken {
  readonly token: string;
  readonly renewAt: number;
}

/** What volumes are made from. */
export interface VolumeSources extends EnvironmentSources {
  readonly token: (audience: string | undefined, expirationSeconds: number) => Promise<MountedToken>;
}

/** The files of a volume and when they must be made again; undefined for a volume that holds no such files. */
export async function volumeFiles(volume: Spec, sources: VolumeSources): Promise<{ files: Files; renewAt: number } | undefined> {
  const files: Files = new Map();
  if (volume.configMap) addConfigMap(files, volume.configMap, volume.configMap.name, sources, volume.configMap.defaultMode);
  else if (volume.secret) addSecret(files, volume.secret, volume.secret.secretName, sources, volume.secret.defaultMode);
  else if (volume.downwardAPI) addDownward(files, volume.downwardAPI, sources, volume.downwardAPI.defaultMode);
  else if (volume.projected) return projected(volume.projected, sources);
  else return undefined;
  return { files, renewAt: Infinity };
}

async function projected(projection: Spec, sources: VolumeSources): Promise<{ files: Files; renewAt: number }> {
  const files: Files = new Map();
  let renewAt = Infinity;
  for (const source of projection.sources ?? []) {
    if (source.configMap) addConfigMap(files, source.configMap, source.configMap.name, sources, projection.defaultMode);
    if (source.secret) addSecret(files, source.secret, source.secret.name, sources, projection.defaultMode);
    if (source.downwardAPI) addDownward(files, source.downwardAPI, sources, projection.defaultMode);
    if (source.serviceAccountToken) {
      const { audience, expirationSeconds = 3600, path } = source.serviceAccountToken;
      const token = await sources.token(audience, expirationSeconds);
      files.set(path, { data: Buffer.from(token.token), mode: projection.defaultMode ?? 0o644 });
      renewAt = Math.min(renewAt, token.renewAt);
    }
  }
  return { files, renewAt };
}

function addConfigMap(files: Files, source: Spec, name: string, sources: VolumeSources, mode: number | undefined): void {
  const object = sources.configMap(name);
  if (!object && !source.optional) throw new MissingSourceError(`configmap "${name}" not found`);
  const data = new Map<string, Buffer>();
  for (const [key, value] of Object.entries(object?.['data'] ?? {})) data.set(key, Buffer.from(String(value)));
  for (const [key, value] of Object.entries(object?.['binaryData'] ?? {})) data.set(key, Buffer.from(String(value), 'base64'));
  addKeys(files, data, source, mode, `configmap "${name}"`);
}

function addSecret(files: Files, source: Spec, name: string, sources: VolumeSources, mode: number | undefined): void {
  const object = sources.secret(name);
  if (!object && !source.optional) throw new MissingSourceError(`secret "${name}" not found`);
  const data = new Map(Object.entries(object?.['data'] ?? {}).map(([key, value]) => [key, Buffer.from(String(value), 'base64')]));
  addKeys(files, data, source, mode, `secret "${name}"`);
}

function addKeys(files: Files, data: ReadonlyMap<string, Buffer>, source: Spec, mode: number | undefined, owner: string): void {
  const defaultMode = mode ?? 0o644;
  if (!source.items) {
    for (const [key, value] of data) files.set(key, { data: value, mode: defaultMode });
    return;
  }
  for (const item of source.items) {
    const value = data.get(item.key);
    if (value) files.set(item.path, { data: value, mode: item.mode ?? defaultMode });
    else if (!source.optional) throw new MissingSourceError(`${owner} references non-existent config key: ${item.key}`);
  }
}

function addDownward(files: Files, source: Spec, sources: VolumeSources, mode: number | undefined): void {
  for (const item of source.items ?? []) {
    const text = item.fieldRef ? fieldValue(item.fieldRef.fieldPath, sources) : resourceValue(item.resourceFieldRef ?? {}, undefined, sources.pod);
    files.set(item.path, { data: Buffer.from(text), mode: item.mode ?? mode ?? 0o644 });
  }
}
