// Where TLS takes certificates, keys and roots from. proxy/secrets implements it over SDS; tests over a map.

/** A certificate chain with its key. */
export interface CertificateSecret {
  readonly kind: 'certificate';
  readonly certificateChainPem: string;
  readonly privateKeyPem: string;
}

/** Trusted roots. */
export interface RootsSecret {
  readonly kind: 'roots';
  readonly trustedCaPem: string;
}

/** Current secrets by name, with notice of changes. */
export interface SecretProvider {
  get(name: string): CertificateSecret | RootsSecret | undefined;
  /** Calls `listener` with the name of each secret that changed; returns the way to stop it. */
  onChange(listener: (name: string) => void): () => void;
}

/** A provider that has no secrets. */
export const NO_SECRETS: SecretProvider = { get: () => undefined, onChange: () => () => undefined };
