// Sessions that stay with one endpoint, as plain data.

/** The filter's configuration, also as a route's own. */
export interface StatefulSessionConfig {
  readonly kind: 'stateful_session';
  /** Null does nothing: routes have their own. */
  readonly session: SessionStateConfig | null;
  /** Nobody else may serve a session whose endpoint cannot. */
  readonly strict: boolean;
}

/** Where the address stands; a time to live of 0 lets the cookie end with the browser. */
export type SessionStateConfig =
  | { readonly kind: 'cookie'; readonly name: string; readonly path: string; readonly ttlSeconds: number }
  | { readonly kind: 'header'; readonly name: string };
