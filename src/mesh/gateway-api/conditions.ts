// Conditions of the Gateway API's statuses.
import type { GatewayApiCondition } from './binding-types.ts';

/** A condition about the generation of an object. */
export function condition(type: string, status: boolean, reason: string, message: string, observedGeneration: number): GatewayApiCondition {
  return { type, status: status ? 'True' : 'False', reason, message, observedGeneration };
}

/** What is wrong, for a condition: the API's reason and a sentence that says what to do. */
export interface Fault {
  readonly reason: string;
  readonly message: string;
}

/** A condition that holds unless there is a fault. */
export function unlessFault(type: string, fault: Fault | undefined, message: string, observedGeneration: number, reason = type): GatewayApiCondition {
  return fault ? condition(type, false, fault.reason, fault.message, observedGeneration) : condition(type, true, reason, message, observedGeneration);
}
