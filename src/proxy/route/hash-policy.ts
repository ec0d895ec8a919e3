// Computes the hash that consistent-hash clusters pick with, as Envoy does: xxHash64 of each source, h = rotl(h, 1) xor new. Pure.
import type { HashPolicyConfig } from '../config/route-config.ts';
import type { RequestHeaders } from '../stream/header-map.ts';
import { rotateLeft64, xxHash64 } from '../stream/xx-hash.ts';
import { queryParameter } from './header-matcher.ts';

/** The hash, null when no source gave one, and a cookie to set when one had to be made. */
export interface HashResult {
  readonly hash: bigint | null;
  readonly setCookie: string | null;
}

const NO_HASH: HashResult = { hash: null, setCookie: null };

/** The value of a cookie. */
export function cookieValue(headers: RequestHeaders, name: string): string | undefined {
  for (const header of headers.getAll('cookie')) {
    for (const part of header.split(';')) {
      const equals = part.indexOf('=');
      if (equals > 0 && part.slice(0, equals).trim() === name) return part.slice(equals + 1).trim().replace(/^"(.*)"$/, '$1');
    }
  }
  return undefined;
}

/** Hashes a request; `remoteAddress` is the peer's address without port, `random` makes the value of a generated cookie. */
export function computeHash(policies: readonly HashPolicyConfig[], headers: RequestHeaders, remoteAddress: string, random: () => number): HashResult {
  if (policies.length === 0) return NO_HASH;
  let hash: bigint | null = null;
  let setCookie: string | null = null;
  for (const policy of policies) {
    let source = sourceOf(policy, headers, remoteAddress);
    if (source === undefined && policy.kind === 'cookie' && policy.ttlSeconds !== null) {
      source = xxHash64(`${remoteAddress}${random()}`).toString(16).padStart(16, '0');
      setCookie = cookieLine(policy.name, source, policy.ttlSeconds, policy.path);
    }
    if (source !== undefined) {
      const next = xxHash64(source);
      hash = hash === null ? next : rotateLeft64(hash, 1n) ^ next;
    }
    if (hash !== null && policy.terminal) break;
  }
  return { hash, setCookie };
}

function cookieLine(name: string, value: string, ttlSeconds: number, path: string): string {
  return `${name}="${value}"${ttlSeconds > 0 ? `; Max-Age=${ttlSeconds}` : ''}${path === '' ? '' : `; Path=${path}`}; HttpOnly`;
}

function sourceOf(policy: HashPolicyConfig, headers: RequestHeaders, remoteAddress: string): string | undefined {
  switch (policy.kind) {
    case 'header': {
      const name = policy.name.toLowerCase();
      const values = name.charCodeAt(0) === 58 ? [headers.get(name)].filter((value) => value !== undefined) : headers.getAll(name === 'host' ? ':authority' : name);
      return values.length === 0 ? undefined : values.sort().join('');
    }
    case 'cookie': return cookieValue(headers, policy.name);
    case 'source_ip': return remoteAddress === '' ? undefined : remoteAddress;
    case 'query_parameter': return queryParameter(headers.path, policy.name);
  }
}
