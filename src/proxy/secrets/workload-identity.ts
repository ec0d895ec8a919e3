// Keeps the workload's certificate and the mesh's roots in the secret store: from files when the platform brings them, otherwise by signing
// requests, renewed at half of the certificate's life, with back-off while the authority can not be reached.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Backoff, describeError } from '../../shared/lib/index.ts';
import { createLogger } from '../../shared/observability/index.ts';
import { parseCertificates, rotationTime, Secret, TrustBundle } from '../../shared/pki/index.ts';
import { requestCertificate, type WorkloadCertificate } from './certificate-client.ts';
import { MESH_ROOTS, WORKLOAD_CERTIFICATE, type SecretStore } from './secret-store.ts';

/** Where identity comes from. */
export interface WorkloadIdentityOptions {
  readonly caAddress: string;
  readonly clusterId: string;
  readonly spiffeId: string;
  readonly lifetimeSeconds: number;
  readonly tokenFile: string;
  readonly rootCertificateFile: string;
  /** Folder with cert-chain.pem, key.pem and root-cert.pem that, when there, is used instead of signing requests. */
  readonly workloadCertificateFolder: string;
  readonly store: SecretStore;
  /** How often files are looked at. */
  readonly fileIntervalMilliseconds?: number;
}

/** The certificate to show as a client, and the roots to check servers with. */
export interface ClientIdentity {
  readonly rootsPem: string | undefined;
  readonly certificateChainPem: string | undefined;
  readonly privateKeyPem: Secret | undefined;
}

/** Renews the identity from `start` to `stop`. */
export class WorkloadIdentity {
  readonly name = 'workload-identity';
  readonly #options: WorkloadIdentityOptions;
  readonly #log = createLogger('workload-identity');
  readonly #backoff = new Backoff({ initialMilliseconds: 500, maximumMilliseconds: 30_000 });
  #current: WorkloadCertificate | undefined;
  #rootsOfFile = '';
  #timer: NodeJS.Timeout | undefined;
  #fileTimer: NodeJS.Timeout | undefined;
  #stopped = false;
  #announceFirst: () => void = () => undefined;
  readonly #first = new Promise<void>((resolve) => {
    this.#announceFirst = resolve;
  });

  constructor(options: WorkloadIdentityOptions) {
    this.#options = options;
  }

  /** Begins; resolves at once, `whenIssued` resolves with the first certificate. */
  async start(): Promise<void> {
    this.#lookAtFiles();
    this.#fileTimer = setInterval(() => this.#lookAtFiles(), this.#options.fileIntervalMilliseconds ?? 5000);
    this.#fileTimer.unref();
    if (!this.#useFiles()) await this.#renew();
  }

  stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    clearInterval(this.#fileTimer);
    return Promise.resolve();
  }

  /** Resolves when there is a certificate. */
  whenIssued(): Promise<void> {
    return this.#first;
  }

  /** What to connect to the control plane with. */
  client(): ClientIdentity {
    return { rootsPem: this.#rootsOfFile || undefined, certificateChainPem: this.#current?.certificateChainPem, privateKeyPem: this.#current?.privateKeyPem };
  }

  /** The pod's token, read anew each time since it is renewed. */
  readToken(): Promise<string | undefined> {
    return Promise.resolve(readText(this.#options.tokenFile)?.trim());
  }

  async #renew(): Promise<void> {
    if (this.#stopped) return;
    const { caAddress, clusterId, spiffeId, lifetimeSeconds } = this.#options;
    try {
      const issued = await requestCertificate({
        address: caAddress, clusterId, spiffeId, lifetimeSeconds, readRoots: () => readText(this.#options.rootCertificateFile), readToken: () => this.readToken(),
      });
      const [leaf] = parseCertificates(issued.certificateChainPem);
      if (!leaf) throw new Error('the certificate authority answered without a certificate');
      this.#backoff.reset();
      this.#take(issued);
      const at = rotationTime(leaf);
      this.#log.info({ notAfter: leaf.notAfter.toISOString(), rotation: at.toISOString(), uris: leaf.uris }, 'workload certificate was issued');
      this.#schedule(Math.max(1000, at.getTime() - Date.now()));
    } catch (error) {
      const wait = this.#backoff.next();
      this.#log.warn({ error: describeError(error), caAddress, retryMilliseconds: Math.round(wait) }, 'workload certificate was not issued');
      this.#schedule(wait);
    }
  }

  /** Timers hold at most 24.8 days. */
  #schedule(wait: number): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => void this.#renew(), Math.min(wait, 2 ** 31 - 1));
    this.#timer.unref();
  }

  #take(issued: WorkloadCertificate): void {
    this.#current = issued;
    this.#publishRoots();
    this.#options.store.set(WORKLOAD_CERTIFICATE, { kind: 'certificate', certificateChainPem: issued.certificateChainPem, privateKeyPem: issued.privateKeyPem.reveal() });
    this.#announceFirst();
  }

  /** The mesh's roots: those mounted in the pod and the one that signed us, since a root that is being replaced is in one place first. */
  #publishRoots(): void {
    try {
      const bundle = new TrustBundle(this.#rootsOfFile, this.#current?.rootPem ?? '');
      if (bundle.roots.length > 0) this.#options.store.set(MESH_ROOTS, { kind: 'roots', trustedCaPem: bundle.pem });
    } catch (error) {
      this.#log.error({ error: describeError(error), file: this.#options.rootCertificateFile }, 'root certificates can not be read; the last good ones stay in force');
    }
  }

  #lookAtFiles(): void {
    const roots = readText(this.#options.rootCertificateFile) ?? '';
    if (roots !== this.#rootsOfFile) {
      this.#rootsOfFile = roots;
      this.#publishRoots();
    }
    if (this.#fileTimer !== undefined) this.#useFiles();
    this.#options.store.refreshFiles();
  }

  /** Takes the platform's files, if they are there. */
  #useFiles(): boolean {
    const file = (name: string): string | undefined => readText(join(this.#options.workloadCertificateFolder, name));
    const [chain, key, root] = [file('cert-chain.pem'), file('key.pem'), file('root-cert.pem')];
    if (chain === undefined || key === undefined) return false;
    if (chain === this.#current?.certificateChainPem && root === this.#current.rootPem) return true;
    this.#take({ certificateChainPem: chain, privateKeyPem: new Secret(key), rootPem: root ?? '' });
    return true;
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (_absent) {
    return undefined;
  }
}
