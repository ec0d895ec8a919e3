// Holds back a RequestAuthentication until its keys were asked for once; its version before, if any, stays in force meanwhile. In force without keys it would refuse
// every good token for as long as the first fetch takes.
import type { IstioObject } from '../../shared/api/istio-kinds.ts';
import type { ReadonlyTable } from '../../shared/lib/index.ts';
import { keySetSources } from '../../mesh/index.ts';
import type { KeySetState } from './key-set-resolver.ts';

/** Chooses the versions that are in force. */
export class SettledTokenRules {
  readonly #keySets: ReadonlyTable<string, KeySetState>;
  #released = new Map<string, IstioObject>();

  constructor(keySets: ReadonlyTable<string, KeySetState>) {
    this.#keySets = keySets;
  }

  /** The fetched key sets, for a snapshot. */
  keySets(): ReadonlyMap<string, string> {
    return new Map([...this.#keySets.entries()].flatMap(([key, { keys }]) => (keys === null ? [] : [[key, keys] as const])));
  }

  /** `objects` with the RequestAuthentications that are settled. */
  select(objects: Iterable<IstioObject>): IstioObject[] {
    const released = new Map<string, IstioObject>();
    const chosen: IstioObject[] = [];
    for (const object of objects) {
      if (object.kind !== 'RequestAuthentication') {
        chosen.push(object);
        continue;
      }
      const name = `${object.metadata.namespace ?? ''}/${object.metadata.name ?? ''}`;
      const version = keySetSources([object]).every(({ key }) => this.#keySets.has(key)) ? object : this.#released.get(name);
      if (!version) continue;
      released.set(name, version);
      chosen.push(version);
    }
    this.#released = released;
    return chosen;
  }
}
