// ReferenceGrant: a namespace's leave for objects of other namespaces to refer to its own.
import { z } from 'zod';
import { gatewayApiObject, gatewayApiType } from './shared.ts';

/** A ReferenceGrant object. */
export const ReferenceGrant = gatewayApiObject('ReferenceGrant', z.object({
  from: z.array(z.object({ group: z.string(), kind: z.string(), namespace: z.string() })),
  to: z.array(z.object({ group: z.string(), kind: z.string(), name: z.string().optional() })),
}), z.unknown());
export type ReferenceGrant = z.infer<typeof ReferenceGrant>;

/** The kind's names, at the version that every release of the last years serves. */
export const ReferenceGrantType = gatewayApiType('ReferenceGrant', 'referencegrants', 'Namespaced', 'v1beta1');
