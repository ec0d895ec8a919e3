// Failures of calls, with gRPC's status codes (gRPC "Status codes and their use").
import { status } from '@grpc/grpc-js';
import { describeError } from '../lib/index.ts';

/** Names of the status codes. */
export type GrpcCode = Exclude<keyof typeof status, 'OK' | number>;

/** A call that failed, or that a handler fails. */
export class GrpcError extends Error {
  readonly code: GrpcCode;

  constructor(code: GrpcCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'GrpcError';
    this.code = code;
  }

  /** Whether the same call may succeed later. */
  isTransient(): boolean {
    return this.code === 'UNAVAILABLE' || this.code === 'DEADLINE_EXCEEDED' || this.code === 'RESOURCE_EXHAUSTED' || this.code === 'ABORTED';
  }
}

/** The library's error as ours. */
export function toGrpcError(error: unknown): GrpcError {
  if (error instanceof GrpcError) return error;
  const { code, details, message } = error as { code?: unknown; details?: string; message?: string };
  const name = typeof code === 'number' ? (status[code] as GrpcCode | undefined) : undefined;
  return new GrpcError(name ?? 'UNKNOWN', details || message || String(error), { cause: error });
}

/** Our error as the library wants it. */
export function toServiceError(error: unknown): Error & { code: number; details: string } {
  const known = error instanceof GrpcError ? error : new GrpcError('INTERNAL', describeError(error));
  return Object.assign(new Error(known.message), { code: status[known.code], details: known.message });
}
