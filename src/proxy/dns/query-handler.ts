// What becomes of one query: answered from the mesh's names, passed on, or refused. Called by the server for each message, whatever it came by.
import { randomInt } from 'node:crypto';
import type { StatsStore } from '../stream/stats-store.ts';
import type { Forwarder } from './forwarder.ts';
import { answerLimit, encodeAnswer, encodeRefusal, parseQuery, RECORD_TYPE, RESPONSE_CODE, type DnsQuery } from './message.ts';
import type { KnownName, NameLookup } from './name-lookup.ts';

/** How long clients may keep an answer: endpoints of headless services come and go. */
const TIME_TO_LIVE_SECONDS = 30;
/** No client needs more for one question. */
const MAXIMUM_QUERY = 4096;

/** Answers queries. */
export class QueryHandler {
  readonly #forwarder: Forwarder;
  readonly #stats: StatsStore;
  #names: NameLookup | null = null;

  constructor(forwarder: Forwarder, stats: StatsStore) {
    this.#forwarder = forwarder;
    this.#stats = stats;
  }

  /** Answers from `names` from now on. */
  useNames(names: NameLookup): void {
    this.#names = names;
  }

  /** Handles `message`; `reply` gets what the client is told. Returns false for what is not DNS and gets no reply. */
  handle(message: Buffer, overTcp: boolean, reply: (answer: Buffer) => void): boolean {
    this.#stats.counter('dns.requests').add(1);
    const outcome = message.length > MAXIMUM_QUERY ? { kind: 'ignore' as const } : parseQuery(message);
    if (outcome.kind !== 'query') {
      this.#stats.counter('dns.malformed').add(1);
      if (outcome.kind === 'refuse') reply(encodeRefusal(message, outcome.code));
      return outcome.kind === 'refuse';
    }
    const { query } = outcome;
    const tell = (code: number, known: KnownName | null): void => {
      const addresses = known === null ? [] : rotated(query.type === RECORD_TYPE.A ? known.ipv4 : known.ipv6);
      reply(encodeAnswer(message, query, { code, alias: known?.alias ?? null, addresses, timeToLiveSeconds: TIME_TO_LIVE_SECONDS }, answerLimit(query, overTcp)));
    };
    if (query.edns && query.edns.version > 0) {
      tell(RESPONSE_CODE.BADVERS, null);
      return true;
    }
    const known = this.#lookUp(query);
    if (known) {
      this.#stats.counter('dns.answered').add(1);
      tell(RESPONSE_CODE.NOERROR, known);
    } else this.#forward(message, query, overTcp, reply, () => tell(RESPONSE_CODE.SERVFAIL, null));
    return true;
  }

  /** Other types than addresses are known to the cluster's own server only. */
  #lookUp({ name, type, internet }: DnsQuery): KnownName | undefined {
    return internet && (type === RECORD_TYPE.A || type === RECORD_TYPE.AAAA) ? this.#names?.find(name) : undefined;
  }

  #forward(message: Buffer, { questionEnd }: DnsQuery, overTcp: boolean, reply: (answer: Buffer) => void, fail: () => void): void {
    const started = performance.now();
    this.#stats.counter('dns.upstream_requests').add(1);
    this.#forwarder.forward(message, questionEnd, overTcp, (answer) => {
      this.#stats.histogram('dns.upstream_request_duration').record(performance.now() - started);
      if (answer) reply(answer);
      else {
        this.#stats.counter('dns.upstream_failures').add(1);
        fail();
      }
    });
  }
}

/** Clients that take the first address spread over all of them. */
function rotated(addresses: readonly Buffer[]): readonly Buffer[] {
  if (addresses.length < 2) return addresses;
  const first = randomInt(addresses.length);
  return [...addresses.slice(first), ...addresses.slice(0, first)];
}
