// The data plane's statistics under Envoy's Prometheus names: `envoy_` and the name with its variable parts taken out as labels.
import { HISTOGRAM_BOUNDS, type StatsSnapshot } from '../stream/stats-store.ts';
import { histogramLines, labelText } from './prometheus-text.ts';

type Labels = readonly (readonly [string, string])[];

/** How a name's variable part becomes a label; the pattern's first group goes, its second is the value. */
const TAGS: readonly { readonly label: string; readonly pattern: RegExp }[] = [
  { label: 'envoy_response_code', pattern: /(_rq(_(\d{3})))$/ },
  { label: 'envoy_response_code_class', pattern: /(_rq(_(\d)xx))$/ },
];

/** A statistic's Prometheus family and labels. */
export function prometheusName(name: string): { readonly family: string; readonly labels: Labels } {
  const labels: [string, string][] = [];
  let rest = name;
  const take = (label: string, prefix: string, value: string): void => {
    labels.push([label, value]);
    rest = `${prefix}${rest.slice(prefix.length + value.length + 1)}`;
  };
  const cluster = /^cluster\.((?:outbound|inbound|inbound-vip)\|.*?\|.*?\|.*?)\.((?:upstream|membership|lb|circuit_breakers|outlier_detection|external|internal|canary|max_host_weight|bind_errors|assignment|update|version|retry|default|original_dst|ssl|http1|http2|health_check|zone)[\w.]*)$/.exec(rest)
    ?? /^cluster\.([^.]+)\.(.+)$/.exec(rest);
  if (cluster) take('cluster_name', 'cluster.', cluster[1] ?? '');
  const manager = /^http\.(.+?)\.((?:downstream|rq|tracing|no_route|no_cluster|rbac|fault|passthrough|user_agent|rs_too_large|local_rate_limit)[\w.]*)$/.exec(rest);
  if (manager) take('http_conn_manager_prefix', 'http.', manager[1] ?? '');
  const listener = /^listener\.(.+?)\.((?:downstream|no_filter_chain_match|ssl|http|server|connections|extension)[\w.]*)$/.exec(rest);
  if (listener) take('listener_address', 'listener.', listener[1] ?? '');
  const tcp = /^tcp\.(.+?)\.((?:downstream|upstream|idle|max)[\w.]*)$/.exec(rest);
  if (tcp) take('tcp_prefix', 'tcp.', tcp[1] ?? '');
  for (const { label, pattern } of TAGS) {
    const match = pattern.exec(rest);
    if (!match) continue;
    labels.push([label, match[3] ?? '']);
    rest = label.endsWith('class') ? rest.replace(/_\dxx$/, '_xx') : rest.replace(/_\d{3}$/, '');
  }
  return { family: `envoy_${rest.replaceAll(/[^a-zA-Z0-9_]/g, '_')}`, labels };
}

/** A snapshot in the text format; `usedOnly` leaves out what was never touched. */
export function renderEnvoyStats(snapshot: StatsSnapshot, filter: (name: string) => boolean = () => true, usedOnly = false): string {
  const families = new Map<string, { type: string; lines: string }>();
  const add = (family: string, type: string, lines: string): void => {
    const known = families.get(family);
    if (known) known.lines += lines;
    else families.set(family, { type, lines });
  };
  for (const [type, cells] of [['counter', snapshot.counters], ['gauge', snapshot.gauges]] as const) {
    for (const { name, value } of cells) {
      if (!filter(name) || (usedOnly && value === 0)) continue;
      const { family, labels } = prometheusName(name);
      add(family, type, `${family}${labelText(labels)} ${value}\n`);
    }
  }
  for (const { name, buckets, sum, count } of snapshot.histograms) {
    if (!filter(name) || (usedOnly && count === 0)) continue;
    const { family, labels } = prometheusName(name);
    add(family, 'histogram', histogramLines(family, labels, HISTOGRAM_BOUNDS, buckets, sum, count));
  }
  return [...families].map(([family, { type, lines }]) => `# TYPE ${family} ${type}\n${lines}`).join('');
}
