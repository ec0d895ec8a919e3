// The parts of a pod that have a subresource of their own, beside its status: `resize` changes what its containers may use, `ephemeralcontainers`
// adds containers for looking inside. All else of what is sent there is passed over.
import { deepEqual } from '../../../shared/lib/index.ts';
import { forbiddenField, invalidField, requiredField, duplicateField, type FieldError } from '../../schema/index.ts';
import type { KubeObject } from '../../store/index.ts';
import { pullPolicyOf, qosClass } from './pod-rules.ts';

/* eslint-disable @typescript-eslint/no-explicit-any -- pod specs are schemaless data here */
type Container = Record<string, any>;

/** Whether it is a subresource that changes a part of a pod's spec. */
export function isPodPart(storeKey: string, subresource: string): boolean {
  return storeKey === '/pods' && (subresource === 'resize' || subresource === 'ephemeralcontainers');
}

/** The pod as it was, with that part as the request has it. */
export function withPodPart(before: KubeObject, sent: KubeObject, subresource: string): KubeObject {
  const spec = sent.spec as Container | undefined;
  if (subresource === 'ephemeralcontainers') {
    const { ephemeralContainers: _present, ...rest } = before.spec as Container;
    return { ...before, spec: { ...rest, ...(spec?.['ephemeralContainers'] === undefined ? {} : { ephemeralContainers: spec['ephemeralContainers'].map((container: Container) => ({ terminationMessagePath: '/dev/termination-log', terminationMessagePolicy: 'File', imagePullPolicy: pullPolicyOf(String(container['image'] ?? '')), resources: {}, ...container })) }) } };
  }
  const containers = (before.spec as Container)['containers'].map((container: Container) => {
    const wanted = (spec?.['containers'] ?? []).find(({ name }: Container) => name === container['name']) as Container | undefined;
    return wanted ? { ...container, resources: wanted['resources'] ?? {}, ...(wanted['resizePolicy'] === undefined ? {} : { resizePolicy: wanted['resizePolicy'] }) } : container;
  });
  return { ...before, spec: { ...before.spec, containers } };
}

/** What is wrong with the new part. */
export function validatePodPart(object: KubeObject, before: KubeObject, subresource: string): FieldError[] {
  return subresource === 'resize' ? validateResize(object, before) : validateEphemeral(object, before);
}

function validateResize(object: KubeObject, before: KubeObject): FieldError[] {
  const spec = object.spec as Container;
  return qosClass(spec) === qosClass(before.spec as Container) ? [] : [invalidField('metadata', String(before.metadata.name), 'Pod QOS Class may not change as a result of resizing')];
}

function validateEphemeral({ spec }: KubeObject, before: KubeObject): FieldError[] {
  const added: Container[] = spec.ephemeralContainers ?? [];
  const path = (index: number): string => `spec.ephemeralContainers[${String(index)}]`;
  const names = [...(spec.containers as Container[]), ...((spec.initContainers ?? []) as Container[])].map(({ name }) => String(name));
  const errors = added.flatMap((container, index): FieldError[] => {
    const taken = [...names, ...added.slice(0, index).map(({ name }) => String(name))];
    const target: unknown = container['targetContainerName'];
    return [
      ...(container['name'] ? [] : [requiredField(`${path(index)}.name`)]),
      ...(container['image'] ? [] : [requiredField(`${path(index)}.image`)]),
      ...(taken.includes(String(container['name'])) ? [duplicateField(`${path(index)}.name`, container['name'])] : []),
      ...(target !== undefined && target !== '' && !names.includes(String(target)) ? [{ reason: 'FieldValueNotFound' as const, path: `${path(index)}.targetContainerName`, message: `Not found: ${JSON.stringify(target)}` }] : []),
      ...['ports', 'livenessProbe', 'readinessProbe', 'startupProbe', 'lifecycle', 'resizePolicy'].filter((field) => container[field] !== undefined).map((field) => forbiddenField(`${path(index)}.${field}`, 'cannot be set for an Ephemeral Container')),
    ];
  });
  const present: Container[] = before.spec.ephemeralContainers ?? [];
  const isKept = present.every((container) => added.some((other) => deepEqual(other, container)));
  return isKept ? errors : [...errors, forbiddenField('spec.ephemeralContainers', 'existing ephemeral containers may not be removed or changed')];
}
