// Normalizes request paths as Envoy does: escaped slashes first, then RFC 3986 dot segments and percent-encoding, then double slashes. Access rules and
// routes see one spelling of a path.
import type { HttpConnectionManagerConfig } from '../../../config/filter-config.ts';

/** The path to go on with, or what to answer instead. */
export type NormalizedPath = { readonly kind: 'path'; readonly path: string } | { readonly kind: 'redirect'; readonly path: string } | { readonly kind: 'reject' };

/** What a path that needs no work does not hold. A single pass: no pattern here may repeat a repetition, as paths come from outside. */
const NEEDS_WORK = /[%\\#]|\/[./]/;

/** Normalizes `path` by `config`. */
export function normalizePath(path: string, config: HttpConnectionManagerConfig): NormalizedPath {
  if (path.startsWith('/') && !NEEDS_WORK.test(path)) return { kind: 'path', path };
  // No client sends a fragment, and servers differ in what they make of one.
  if (path.includes('#')) return { kind: 'reject' };
  const cut = path.indexOf('?');
  let plain = cut < 0 ? path : path.slice(0, cut);
  const rest = cut < 0 ? '' : path.slice(cut);
  let redirect = false;
  if (config.escapedSlashes !== 'keep' && /%(?:2f|5c)/i.test(plain)) {
    if (config.escapedSlashes === 'reject') return { kind: 'reject' };
    plain = plain.replace(/%2f/gi, '/').replace(/%5c/gi, '\\');
    redirect = config.escapedSlashes === 'unescape_and_redirect';
  }
  if (config.normalizePath) {
    const normalized = normalizeSegments(plain);
    if (normalized === null) return { kind: 'reject' };
    plain = normalized;
  }
  if (config.mergeSlashes) plain = plain.replace(/\/{2,}/g, '/');
  return { kind: redirect ? 'redirect' : 'path', path: plain + rest };
}

/** Removes dot segments, decodes what needs no encoding; null for a path that cannot be trusted. */
function normalizeSegments(path: string): string | null {
  if (!path.startsWith('/')) return path === '*' ? path : null;
  if (/%(?![0-9a-fA-F]{2})|%00/.test(path)) return null;
  const decoded = path.replaceAll('\\', '/').replace(/%([0-9a-fA-F]{2})/g, (whole, hex: string) => {
    const character = String.fromCharCode(Number.parseInt(hex, 16));
    return /[A-Za-z0-9\-._~]/.test(character) ? character : whole;
  });
  const out: string[] = [];
  const segments = decoded.split('/').slice(1);
  segments.forEach((segment, index) => {
    const last = index === segments.length - 1;
    if (segment === '..') out.pop();
    else if (segment !== '.') out.push(segment);
    if (last && (segment === '.' || segment === '..')) out.push('');
  });
  return `/${out.join('/')}`;
}
