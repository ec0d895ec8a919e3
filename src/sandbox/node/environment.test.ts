import { describe, expect, it } from 'vitest';
import type { StoredObject } from '../api-server/internal-client.ts';
import { MissingSourceError, containerEnvironment, expand, parseQuantity, type EnvironmentSources } from './environment.ts';

const object = (data: Record<string, string>): StoredObject => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x', uid: '1', resourceVersion: '1', creationTimestamp: '' }, data });
const sources: EnvironmentSources = {
  pod: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'pod', namespace: 'ns', uid: 'u', resourceVersion: '1', creationTimestamp: '', labels: { app: 'web' }, annotations: { 'a/b': 'c' } }, spec: { nodeName: 'node' } },
  podIp: '127.10.1.1', hostIp: '127.10.0.1',
  configMap: (name) => (name === 'settings' ? object({ COLOR: 'red', SIZE: 'small' }) : undefined),
  secret: (name) => (name === 'keys' ? object({ KEY: Buffer.from('hidden').toString('base64') }) : undefined),
};

describe('the environment of a container', () => {
  it('replaces references to earlier variables and leaves the others', () => {
    expect(expand('$(A)-$(B)-$$(A)-$A', { A: '1' })).toBe('1-$(B)-$(A)-$A');
    const environment = containerEnvironment({ env: [{ name: 'A', value: '1' }, { name: 'B', value: '$(A)2' }, { name: 'C', value: '$(D)' }, { name: 'D', value: 'late' }] }, sources, {});
    expect(environment).toEqual({ A: '1', B: '12', C: '$(D)', D: 'late' });
  });

  it('reads fields, resources, ConfigMaps and Secrets', () => {
    const field = (path: string): object => ({ valueFrom: { fieldRef: { fieldPath: path } } });
    const environment = containerEnvironment({
      resources: { limits: { cpu: '1500m', memory: '128Mi' } },
      envFrom: [{ configMapRef: { name: 'settings' }, prefix: 'S_' }, { secretRef: { name: 'none', optional: true } }],
      env: [
        { name: 'IP', ...field('status.podIP') }, { name: 'LABEL', ...field("metadata.labels['app']") }, { name: 'NOTE', ...field("metadata.annotations['a/b']") },
        { name: 'CPU', valueFrom: { resourceFieldRef: { resource: 'limits.cpu' } } }, { name: 'MEMORY', valueFrom: { resourceFieldRef: { resource: 'limits.memory', divisor: '1Mi' } } },
        { name: 'KEY', valueFrom: { secretKeyRef: { name: 'keys', key: 'KEY' } } }, { name: 'NONE', valueFrom: { configMapKeyRef: { name: 'settings', key: 'x', optional: true } } },
      ],
    }, sources, {});
    expect(environment).toEqual({ S_COLOR: 'red', S_SIZE: 'small', IP: '127.10.1.1', LABEL: 'web', NOTE: 'c', CPU: '2', MEMORY: '128', KEY: 'hidden' });
  });

  it('names the source that is missing', () => {
    const from = (reference: object): object => ({ env: [{ name: 'X', valueFrom: reference }] });
    expect(() => containerEnvironment(from({ configMapKeyRef: { name: 'gone', key: 'x' } }), sources, {})).toThrow(new MissingSourceError('configmap "gone" not found'));
    expect(() => containerEnvironment(from({ secretKeyRef: { name: 'keys', key: 'x' } }), sources, {})).toThrow("couldn't find key x in secret ns/keys");
  });

  it('reads quantities', () => {
    expect(['100m', '2', '1Ki', '1k', '1.5Gi'].map(parseQuantity)).toEqual([0.1, 2, 1024, 1000, 1.5 * 2 ** 30]);
  });
});
