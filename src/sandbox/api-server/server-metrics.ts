// What the server counts of itself, in the Prometheus text that /metrics shows: requests and how long they took, under the names that
// kube-apiserver has for them, and the memory and processor time of the process.
import { MetricsRegistry, type CounterMetric, type GaugeMetric, type HistogramMetric } from '../../shared/observability/index.ts';
import type { RequestInfo } from './request-info.ts';

type RequestLabel = 'verb' | 'group' | 'version' | 'resource' | 'subresource' | 'scope';

const LABELS: readonly RequestLabel[] = ['verb', 'group', 'version', 'resource', 'subresource', 'scope'];
const SECONDS = [0.005, 0.025, 0.1, 0.5, 1, 5, 30];
/** Verbs whose names are not those of their methods. */
const VERBS: Readonly<Record<string, string>> = { create: 'POST', update: 'PUT' };

/** The metrics of one server. */
export class ServerMetrics {
  readonly #registry = new MetricsRegistry();
  readonly #requests: CounterMetric<RequestLabel | 'code'>;
  readonly #durations: HistogramMetric<RequestLabel>;
  readonly #memory: GaugeMetric<never>;
  readonly #processor: CounterMetric<never>;
  #processorSeconds = 0;

  constructor() {
    this.#requests = this.#registry.counter('apiserver_request_total', 'Requests that were answered, by what they asked for and the code of the answer.', [...LABELS, 'code']);
    this.#durations = this.#registry.histogram('apiserver_request_duration_seconds', 'Time from a request to the end of its answer; watches are left out.', LABELS, SECONDS);
    this.#memory = this.#registry.gauge('process_resident_memory_bytes', 'Resident memory of the process that the server is part of.');
    this.#processor = this.#registry.counter('process_cpu_seconds_total', 'Processor time of the process that the server is part of.');
    this.#registry.gauge('process_start_time_seconds', 'When the process began, in seconds since 1970.').set({}, Date.now() / 1000 - process.uptime());
  }

  /** Counts an answer. Resources that there are not are not named, so that no client can make the metrics grow. */
  count(info: RequestInfo, isKnown: boolean, code: number, seconds: number): void {
    const labels = labelsOf(info, isKnown);
    this.#requests.add({ ...labels, code });
    if (labels.verb !== 'WATCH') this.#durations.observe(labels, seconds);
  }

  /** Media type and text of /metrics. */
  async render(): Promise<{ readonly type: string; readonly text: string }> {
    this.#memory.set({}, process.memoryUsage.rss());
    const { user, system } = process.cpuUsage();
    const seconds = (user + system) / 1_000_000;
    this.#processor.add({}, seconds - this.#processorSeconds);
    this.#processorSeconds = seconds;
    return { type: this.#registry.contentType, text: await this.#registry.render() };
  }
}

function labelsOf({ verb, resource }: RequestInfo, isKnown: boolean): Record<RequestLabel, string> {
  const shown = VERBS[verb] ?? (['get', 'list', 'watch', 'patch', 'delete', 'deletecollection', 'head', 'options', 'post', 'put'].includes(verb) ? verb.toUpperCase() : 'OTHER');
  if (!resource || !isKnown) return { verb: shown, group: '', version: '', resource: '', subresource: '', scope: '' };
  const { group, version, plural, subresource, namespace, name } = resource;
  return { verb: shown, group, version, resource: plural, subresource: subresource.slice(0, 40), scope: name !== '' ? 'resource' : namespace !== undefined ? 'namespace' : 'cluster' };
}
