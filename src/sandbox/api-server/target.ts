// What a request is about, and the write that admission has to judge.
import type { KubeObject } from '../store/index.ts';
import type { ResourceInfo, ResourceVersion } from './resource-info.ts';

/** The object that a request is about. */
export interface Target {
  readonly info: ResourceInfo;
  readonly version: ResourceVersion;
  readonly namespace: string | undefined;
  readonly name: string;
}

/** One write to be admitted. */
export interface AdmissionRequest {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';
  readonly target: Target;
  readonly subresource: string;
  readonly object: KubeObject | undefined;
  readonly oldObject: KubeObject | undefined;
  /** As the request has them, when its context does not say. */
  readonly options?: object;
}
