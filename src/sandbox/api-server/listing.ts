// Lists: selection, pages with continue tokens, and resourceVersion semantics.
import { ExpiredError, objectKey, type KubeObject, type Store } from '../store/index.ts';
import { ApiStatusError } from './internal-client.ts';
import type { ResourceInfo } from './resource-info.ts';
import type { Selection } from './selection.ts';
import { badRequest, expired } from './status.ts';

/** One page of a list. */
export interface Page {
  readonly items: readonly KubeObject[];
  readonly resourceVersion: string;
  readonly continueToken: string | undefined;
  readonly remaining: number | undefined;
}

/** What a list asks for. */
export interface ListQuery {
  readonly namespace: string | undefined;
  readonly selection: Selection | undefined;
  readonly limit: number;
  readonly continueToken: string | null;
  readonly resourceVersion: string | null;
  readonly resourceVersionMatch: string | null;
}

interface Continue { readonly revision: number; readonly after: string }

/** The objects asked for. */
export function listObjects(store: Store, info: ResourceInfo, query: ListQuery): Page {
  const { namespace, selection, limit } = query;
  const start = readStart(store, query);
  let objects: readonly KubeObject[];
  try {
    objects = store.list(info.storeKey, namespace, start.revision);
  } catch (error) {
    if (!(error instanceof ExpiredError)) throw error;
    throw expired(query.continueToken ? 'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.' : error.message);
  }
  const resourceVersion = String(start.revision);
  const items: KubeObject[] = [];
  for (const [index, object] of objects.entries()) {
    if (start.after !== '' && keyOf(object) <= start.after) continue;
    if (selection && !selection(object)) continue;
    if (limit > 0 && items.length === limit) return { items, resourceVersion, continueToken: writeToken({ revision: start.revision, after: keyOf(items.at(-1) as KubeObject) }), remaining: selection ? undefined : objects.length - index };
    items.push(object);
  }
  return { items, resourceVersion, continueToken: undefined, remaining: undefined };
}

function keyOf(object: KubeObject): string {
  return objectKey(object.metadata.namespace, object.metadata.name);
}

function readStart(store: Store, { continueToken, resourceVersion, resourceVersionMatch }: ListQuery): Continue {
  if (continueToken) return readToken(continueToken);
  const wanted = readRevision(resourceVersion);
  if (wanted > store.revision) throw new ApiStatusError(504, 'Timeout', `Too large resource version: ${String(wanted)}, current: ${String(store.revision)}`, { causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }], retryAfterSeconds: 1 });
  return { revision: resourceVersionMatch === 'Exact' && wanted > 0 ? wanted : store.revision, after: '' };
}

/** A resourceVersion parameter as a number; 0 when there is none. */
export function readRevision(text: string | null, refuse: (message: string) => ApiStatusError = (message) => badRequest(`invalid resource version: ${message}`)): number {
  if (text === null || text === '') return 0;
  if (!/^\d+$/.test(text)) throw refuse(`resourceVersion: Invalid value: ${JSON.stringify(text)}: strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Number(text);
}

function writeToken(token: Continue): string {
  return Buffer.from(JSON.stringify(token)).toString('base64url');
}

function readToken(text: string): Continue {
  try {
    const token = JSON.parse(Buffer.from(text, 'base64url').toString()) as Partial<Continue>;
    if (typeof token.revision === 'number' && typeof token.after === 'string') return { revision: token.revision, after: token.after };
  } catch {
    // Falls to the answer below, as any other token that is not ours.
  }
  throw badRequest('invalid continue token: continue key is not valid: invalid character looking for beginning of value');
}
