// Conditions of the Gateway API's statuses.
import type { GatewayApiCondition } from './binding-types.ts';

/** A condition about the generation of an object. */
export function condition(type: string, status: boolean, reason: string, message: string, observedGeneration: number): GatewayApiCondition {
  return { type, status: status ? 'True' : 'False', reason, message, observedGeneration };
}
