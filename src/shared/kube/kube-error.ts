// A failed call to the API server, with the reason as the server's Status object gives it (Kubernetes API conventions, "Response Status Kind").

/** Details of a Status: which object, which fields. */
export interface StatusDetails {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly { readonly reason?: string; readonly message?: string; readonly field?: string }[];
  readonly retryAfterSeconds?: number;
}

/** What the server, or the way to it, answered. `status` is 0 when no answer came. */
export class KubeError extends Error {
  readonly status: number;
  readonly reason: string;
  readonly details: StatusDetails;
  /** The message of the server's Status alone, without our prefix. */
  readonly serverMessage: string;

  constructor(request: string, status: number, reason: string, message: string, details: StatusDetails = {}, cause?: unknown) {
    super(`${request}: ${status > 0 ? `${status} ${reason}: ` : ''}${message}`, cause === undefined ? undefined : { cause });
    this.name = 'KubeError';
    this.status = status;
    this.reason = reason;
    this.serverMessage = message;
    this.details = details;
  }

  /** Builds the error of an answer with a body, which is a Status object or plain text. */
  static fromResponse(request: string, status: number, body: string): KubeError {
    const parsed = parseStatus(body);
    if (parsed) return new KubeError(request, status, parsed.reason ?? '', parsed.message ?? '', parsed.details ?? {});
    return new KubeError(request, status, '', body.trim().slice(0, 500));
  }

  isNotFound(): boolean {
    return this.status === 404;
  }

  /** A write lost against another writer: read again and retry. */
  isConflict(): boolean {
    return this.status === 409 && this.reason !== 'AlreadyExists';
  }

  isAlreadyExists(): boolean {
    return this.status === 409 && this.reason === 'AlreadyExists';
  }

  isInvalid(): boolean {
    return this.status === 422;
  }

  isForbidden(): boolean {
    return this.status === 403;
  }

  /** The resourceVersion asked for is no longer there: list again. */
  isGone(): boolean {
    return this.status === 410;
  }

  /** Whether trying again later may succeed with nothing changed. */
  isTransient(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

/** Whether `error` is a KubeError that says the object is not there. */
export function isNotFound(error: unknown): boolean {
  return error instanceof KubeError && error.isNotFound();
}

/** Whether `error` is a KubeError that says another writer was first. */
export function isConflict(error: unknown): boolean {
  return error instanceof KubeError && error.isConflict();
}

interface StatusBody { readonly kind?: string; readonly reason?: string; readonly message?: string; readonly details?: StatusDetails }

function parseStatus(body: string): StatusBody | undefined {
  try {
    const value = JSON.parse(body) as StatusBody | null;
    return typeof value === 'object' && value !== null && value.kind === 'Status' ? value : undefined;
  } catch {
    return undefined; // A gateway between us and the server answered in text or HTML; the caller shows that text.
  }
}
