// The roots that are trusted together: several from the first day, so that a root can be replaced without an outage.
import { parseCertificates, type CertificateInfo } from './certificates.ts';

/** A set of root certificates without duplicates, in the order in which they were first named. */
export class TrustBundle {
  readonly roots: readonly CertificateInfo[];

  constructor(...pemTexts: readonly string[]) {
    const byFingerprint = new Map<string, CertificateInfo>();
    for (const pem of pemTexts) for (const root of pem.trim() === '' ? [] : parseCertificates(pem)) byFingerprint.set(root.fingerprint, root);
    this.roots = [...byFingerprint.values()];
  }

  /** All roots as one PEM text. */
  get pem(): string {
    return this.roots.map((root) => root.pem).join('');
  }

  /** The bundle without the roots that have expired at `now`. */
  withoutExpired(now: Date = new Date()): TrustBundle {
    return new TrustBundle(...this.roots.filter((root) => root.notAfter > now).map((root) => root.pem));
  }
}
