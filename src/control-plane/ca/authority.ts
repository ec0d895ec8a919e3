// The mesh's certificate authority: follows its secret, signs workloads' keys, and keeps mizzend's own serving certificate fresh.
import { setTimeout as sleep } from 'node:timers/promises';
import { Backoff, Table, type ReadonlyTable } from '../../shared/lib/index.ts';
import { createLogger, programMetrics } from '../../shared/observability/index.ts';
import { KubeError, type KubeClient } from '../../shared/kube/index.ts';
import { parseCertificates, rotationTime, type CertificateAuthority, type IssuedCertificate, type TrustBundle } from '../../shared/pki/index.ts';
import { createAuthoritySecret, readAuthoritySecret, type LoadedAuthority } from './authority-secret.ts';
import { rotateRoot, type RootRotationOptions } from './root-rotation.ts';

/** Settings of the authority. */
export interface AuthorityOptions {
  readonly namespace: string;
  readonly trustDomain: string;
  /** Names that mizzend's clients call it by. */
  readonly servingNames: readonly string[];
  readonly servingLifetimeMilliseconds: number;
  /** How often the secret is read again. */
  readonly refreshMilliseconds: number;
  readonly rotation: Omit<RootRotationOptions, 'trustDomain'>;
}

/** What others see of the authority: one entry, `current`. */
export interface AuthorityState {
  /** All trusted roots. */
  readonly rootsPem: string;
  /** Chain and key that mizzend serves TLS with. */
  readonly serving: IssuedCertificate;
}

const rootExpiry = programMetrics.gauge('citadel_server_root_cert_expiry_timestamp', 'End of the root certificate, in seconds since 1970.');
const certificateExpiry = programMetrics.gauge('citadel_server_cert_chain_expiry_timestamp', 'End of the signing certificate, in seconds since 1970.');

/** The authority as a component. */
export class MeshAuthority {
  readonly name = 'certificate authority';
  readonly #client: KubeClient;
  readonly #options: AuthorityOptions;
  readonly #isLeader: () => boolean;
  readonly #state = new Table<'current', AuthorityState>();
  readonly #log = createLogger('ca');
  #loaded: LoadedAuthority | undefined;
  #servingRotation = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(client: KubeClient, options: AuthorityOptions, isLeader: () => boolean) {
    this.#client = client;
    this.#options = options;
    this.#isLeader = isLeader;
  }

  /** The roots and the serving certificate in force. */
  get state(): ReadonlyTable<'current', AuthorityState> {
    return this.#state;
  }

  /** The state in force; throws before the start. */
  get current(): AuthorityState {
    const state = this.#state.get('current');
    if (!state) throw new Error('the certificate authority is not loaded yet');
    return state;
  }

  /** The signing authority in force; throws before the start. */
  get authority(): CertificateAuthority {
    if (!this.#loaded) throw new Error('the certificate authority is not loaded yet');
    return this.#loaded.authority;
  }

  /** All trusted roots in force. */
  get bundle(): TrustBundle {
    if (!this.#loaded) throw new Error('the certificate authority is not loaded yet');
    return this.#loaded.bundle;
  }

  /** Loads or makes the authority. */
  async start(signal: AbortSignal): Promise<void> {
    await this.#use(await this.#load(signal));
    this.#timer = setInterval(() => void this.refresh(), this.#options.refreshMilliseconds);
    signal.addEventListener('abort', () => clearInterval(this.#timer), { once: true });
  }

  /** Stops following the secret. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
  }

  /** Reads the secret again, rotates what is due. A failure keeps what is in force. */
  async refresh(now: Date = new Date()): Promise<void> {
    try {
      let loaded = await readAuthoritySecret(this.#client, this.#options.namespace);
      if (!loaded) {
        this.#log.warn({}, 'the secret of the certificate authority is gone; the one in memory stays in force. Restore it, or restart mizzend to make a new root');
        return;
      }
      if (this.#isLeader() && (await rotateRoot(this.#client, loaded, { ...this.#options.rotation, trustDomain: this.#options.trustDomain }, now))) {
        loaded = (await readAuthoritySecret(this.#client, this.#options.namespace)) ?? loaded;
      }
      if (this.#isNew(loaded) || now.getTime() >= this.#servingRotation) await this.#use(loaded);
    } catch (error) {
      const conflict = error instanceof KubeError && error.isConflict();
      if (!conflict) this.#log.error({ error: error instanceof Error ? `${error.message}${error.cause instanceof Error ? `: ${error.cause.message}` : ''}` : String(error) }, 'the certificate authority was not refreshed; the one in memory stays in force');
    }
  }

  /** Waits for an API server that is not there yet, or whose roles are not; a broken secret is thrown. */
  async #load(signal: AbortSignal): Promise<LoadedAuthority> {
    const { namespace, trustDomain } = this.#options;
    const backoff = new Backoff({ initialMilliseconds: 200, maximumMilliseconds: 5_000 });
    for (;;) {
      try {
        return (await readAuthoritySecret(this.#client, namespace)) ?? (await createAuthoritySecret(this.#client, namespace, trustDomain));
      } catch (error) {
        if (!(error instanceof KubeError) || signal.aborted) throw error;
        this.#log.warn({ error: error.message }, 'the secret of the certificate authority cannot be read yet; trying again');
        await sleep(backoff.next(), undefined, { signal });
      }
    }
  }

  #isNew(loaded: LoadedAuthority): boolean {
    return loaded.authority.certificatePem !== this.#loaded?.authority.certificatePem || loaded.bundle.pem !== this.#loaded.bundle.pem;
  }

  async #use(loaded: LoadedAuthority): Promise<void> {
    const { servingNames, servingLifetimeMilliseconds } = this.#options;
    const serving = await loaded.authority.issueWithNewKey({ dnsNames: servingNames, lifetimeMilliseconds: servingLifetimeMilliseconds });
    const [leaf] = parseCertificates(serving.certificateChainPem);
    if (leaf) this.#servingRotation = rotationTime(leaf).getTime();
    this.#loaded = loaded;
    this.#state.set('current', { rootsPem: loaded.bundle.pem, serving });
    const ends = loaded.bundle.roots.map((root) => root.notAfter.getTime());
    rootExpiry.set({}, Math.max(...ends) / 1000);
    const [own] = parseCertificates(loaded.authority.certificatePem);
    if (own) certificateExpiry.set({}, own.notAfter.getTime() / 1000);
    this.#log.info({ secret: loaded.secret.metadata?.name, roots: loaded.bundle.roots.length, rootEnds: new Date(Math.max(...ends)).toISOString() }, 'certificate authority in force');
  }
}
