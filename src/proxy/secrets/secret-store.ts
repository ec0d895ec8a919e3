// The secrets in force by name, for TLS contexts: the workload's own (`default`, `ROOTCA`), files (`file-cert:`, `file-root:`) and those that the
// control plane delivers (`kubernetes://...`). Values never leave the process; dumps get only descriptions.
import { readFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';
import { createLogger } from '../../shared/observability/index.ts';
import { parseCertificates } from '../../shared/pki/index.ts';
import { describeError } from '../../shared/lib/index.ts';
import type { SecretConfig } from '../config/index.ts';

/** What may be shown of a secret. */
export interface SecretDescription {
  readonly name: string;
  readonly kind: SecretConfig['kind'];
  /** Of the leaf, or of each root. */
  readonly certificates: readonly { readonly subject: string; readonly serialNumber: string; readonly uris: readonly string[]; readonly notBefore: Date; readonly notAfter: Date }[];
  readonly updated: Date;
}

/** Name of the workload's certificate. */
export const WORKLOAD_CERTIFICATE = 'default';
/** Name of the mesh's roots. */
export const MESH_ROOTS = 'ROOTCA';
/** The public authorities, which Istio names so for TLS to the outside. */
const SYSTEM_ROOTS = 'file-root:system';

/** Whether a secret of this name has to be asked of the control plane. */
export function isRemoteSecret(name: string): boolean {
  return name !== WORKLOAD_CERTIFICATE && name !== MESH_ROOTS && !name.startsWith('file-cert:') && !name.startsWith('file-root:');
}

/** Current secrets with notice of changes; the data plane's SecretProvider. */
export class SecretStore {
  readonly #secrets = new Map<string, { readonly secret: SecretConfig; readonly updated: Date }>();
  readonly #listeners = new Set<(name: string) => void>();
  readonly #log = createLogger('secrets');

  get(name: string): SecretConfig | undefined {
    const known = this.#secrets.get(name)?.secret;
    if (known || !(name.startsWith('file-cert:') || name.startsWith('file-root:'))) return known;
    const secret = this.#read(name);
    if (secret) this.#secrets.set(name, { secret, updated: new Date() });
    return secret;
  }

  /** Calls `listener` with the name of each secret that changed; returns the way to stop it. */
  onChange(listener: (name: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Puts a secret in force; an equal one is no change. */
  set(name: string, secret: SecretConfig): void {
    const before = this.#secrets.get(name)?.secret;
    if (before && sameSecret(before, secret)) return;
    this.#secrets.set(name, { secret, updated: new Date() });
    for (const listener of this.#listeners) listener(name);
  }

  /** Takes a secret away. */
  delete(name: string): void {
    if (!this.#secrets.delete(name)) return;
    for (const listener of this.#listeners) listener(name);
  }

  /** Reads the secrets that are files anew, for those that were asked for. */
  refreshFiles(): void {
    for (const name of this.#secrets.keys()) {
      if (!name.startsWith('file-')) continue;
      const secret = this.#read(name);
      if (secret) this.set(name, secret);
    }
  }

  /** What may be shown, by name. */
  describe(): readonly SecretDescription[] {
    return [...this.#secrets].map(([name, { secret, updated }]) => ({ name, kind: secret.kind, certificates: certificatesOf(secret), updated })).sort((left, right) => (left.name < right.name ? -1 : 1));
  }

  /** `file-cert:<certificate>~<key>` and `file-root:<roots>`, as Istio names files mounted into a gateway. */
  #read(name: string): SecretConfig | undefined {
    try {
      if (name === SYSTEM_ROOTS) return { kind: 'roots', trustedCaPem: rootCertificates.join('\n') };
      if (name.startsWith('file-root:')) return { kind: 'roots', trustedCaPem: readFileSync(name.slice('file-root:'.length), 'utf8') };
      const [certificate = '', key = ''] = name.slice('file-cert:'.length).split('~');
      return { kind: 'certificate', certificateChainPem: readFileSync(certificate, 'utf8'), privateKeyPem: readFileSync(key, 'utf8') };
    } catch (error) {
      this.#log.warn({ name, error: describeError(error) }, 'secret file can not be read');
      return undefined;
    }
  }
}

function sameSecret(left: SecretConfig, right: SecretConfig): boolean {
  if (left.kind === 'roots') return right.kind === 'roots' && left.trustedCaPem === right.trustedCaPem;
  return right.kind === 'certificate' && left.certificateChainPem === right.certificateChainPem && left.privateKeyPem === right.privateKeyPem;
}

function certificatesOf(secret: SecretConfig): SecretDescription['certificates'] {
  try {
    const all = parseCertificates(secret.kind === 'certificate' ? secret.certificateChainPem : secret.trustedCaPem);
    return (secret.kind === 'certificate' ? all.slice(0, 1) : all).map(({ subject, serialNumber, uris, notBefore, notAfter }) => ({ subject, serialNumber, uris, notBefore, notAfter }));
  } catch (_notCertificates) {
    return [];
  }
}
