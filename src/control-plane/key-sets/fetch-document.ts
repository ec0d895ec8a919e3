// Fetches one small document over HTTP: bounded in time, size and redirects. Whoever may write a RequestAuthentication chooses where
// this program connects to, so addresses that only this machine should reach (cloud metadata) are refused when they are dialled, not when they are named.
import { lookup } from 'node:dns';
import { request as requestHttp, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as requestHttps } from 'node:https';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { describeError } from '../../shared/lib/index.ts';

/** What bounds a fetch. */
export interface FetchOptions {
  readonly timeoutMilliseconds: number;
  readonly blocked: BlockList;
  /** Certificates, PEM, that servers must be vouched for by. */
  readonly authorities: () => string[];
}

const MAXIMUM_BYTES = 1024 * 1024;
const MAXIMUM_REDIRECTS = 3;
// Link-local addresses, and those of cloud metadata services beside them.
const ALWAYS_BLOCKED = ['169.254.0.0/16', 'fe80::/10', 'fd00:ec2::254/128', 'fd20:ce::254/128', '100.100.100.200/32', '192.0.0.192/32'];

/** The addresses that are never dialled: those of metadata services, and `ranges` (CIDR). Throws for a range that is none. */
export function blockedAddresses(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of [...ALWAYS_BLOCKED, ...ranges.map((text) => text.trim()).filter((text) => text !== '')]) {
    const [address = '', length = ''] = range.split('/');
    const version = isIP(address);
    if (version === 0 || !/^\d{1,3}$/.test(length) || Number(length) > (version === 4 ? 32 : 128)) throw new Error(`${range} is not an address range in CIDR form`);
    list.addSubnet(address, Number(length), version === 4 ? 'ipv4' : 'ipv6');
  }
  return list;
}

/** The document at `address`; throws with the reason when there is none. */
export async function fetchDocument(address: string, options: FetchOptions): Promise<string> {
  const signal = AbortSignal.timeout(options.timeoutMilliseconds);
  let url = new URL(address);
  for (let redirects = 0; ; redirects += 1) {
    const { status, location, body } = await ask(url, options, signal);
    if (status >= 200 && status < 300) return body;
    if (status < 300 || status >= 400 || location === undefined) throw new Error(`${url.host} answered with status ${status}`);
    if (redirects === MAXIMUM_REDIRECTS) throw new Error(`${url.host} redirects too often`);
    const next = new URL(location, url);
    // From https nothing leads back to plain http, nor anything to a scheme of another kind.
    if (next.protocol !== 'https:' && next.protocol !== url.protocol) throw new Error(`${url.host} redirects to ${next.protocol}, which is not followed`);
    url = next;
  }
}

interface Answer { readonly status: number; readonly location: string | undefined; readonly body: string }

function ask(url: URL, { blocked, authorities }: FetchOptions, signal: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const fail = (error: unknown): void => reject(new Error(signal.aborted ? `${url.host} did not answer in time` : describeError(error), { cause: error }));
    const host = url.hostname.replace(/^\[|\]$/g, '');
    if (isBlocked(blocked, host)) return fail(new Error(`${host} is an address that is never asked`));
    const options: RequestOptions = { method: 'GET', signal, agent: false, lookup: guardedLookup(blocked), headers: { accept: 'application/json', 'user-agent': 'mizzend', connection: 'close' } };
    const sent = url.protocol === 'https:' ? requestHttps(url, { ...options, ca: authorities(), minVersion: 'TLSv1.2' }) : requestHttp(url, options);
    sent.on('error', fail).on('response', (response) => read(response).then((body) => resolve({ status: response.statusCode ?? 0, location: response.headers.location, body }), fail));
    sent.end();
  });
}

async function read(response: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of response as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > MAXIMUM_BYTES) {
      response.destroy();
      throw new Error(`the answer is longer than ${MAXIMUM_BYTES} bytes`);
    }
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

function isBlocked(blocked: BlockList, address: string): boolean {
  const version = isIP(address);
  return version !== 0 && blocked.check(address, version === 4 ? 'ipv4' : 'ipv6');
}

/** Resolves names as usual, and refuses one that leads to a blocked address. */
function guardedLookup(blocked: BlockList): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      const [first] = addresses ?? [];
      const refused = addresses?.find(({ address }) => isBlocked(blocked, address));
      if (error) callback(error, '', 0);
      else if (refused) callback(new Error(`${hostname} is at ${refused.address}, an address that is never asked`), '', 0);
      else if (options.all) callback(null, addresses);
      else callback(null, first?.address ?? '', first?.family ?? 0);
    });
  };
}
