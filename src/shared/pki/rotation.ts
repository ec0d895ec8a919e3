// When to replace a certificate: well before its end, and not all of a fleet at once.

/** The instant at which a certificate should be replaced: after half of its life by default, moved by up to a hundredth of it either way, as Istio's agent does; never later than a minute before its end. */
export function rotationTime(certificate: { readonly notBefore: Date; readonly notAfter: Date }, options: { readonly graceRatio?: number; readonly random?: () => number } = {}): Date {
  const { graceRatio = 0.5, random = Math.random } = options;
  const start = certificate.notBefore.getTime();
  const life = certificate.notAfter.getTime() - start;
  const jitter = (random() * 2 - 1) * 0.01;
  const at = start + life * Math.min(1, Math.max(0, 1 - graceRatio + jitter));
  return new Date(Math.max(start, Math.min(at, certificate.notAfter.getTime() - 60_000)));
}
