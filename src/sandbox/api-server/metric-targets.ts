// The cell of a HorizontalPodAutoscaler that shows each metric's value and what it should be.
import type { KubeObject } from '../store/index.ts';

/* eslint-disable @typescript-eslint/no-explicit-any -- cells read schemaless objects */
type Any = Record<string, any>;

const SHOWN = 2;
const SOURCES: Readonly<Record<string, string>> = { External: 'external', Pods: 'pods', Object: 'object', Resource: 'resource', ContainerResource: 'containerResource' };

/** `cpu: 40%/80%, ...`; a value that was never measured is `<unknown>`. */
export function metricTargets({ spec, status }: KubeObject): string {
  const metrics = (spec?.metrics ?? []) as Any[];
  if (metrics.length === 0) return '<none>';
  const current = (status?.currentMetrics ?? []) as Any[];
  const texts = metrics.slice(0, SHOWN).map((metric, index) => showMetric(metric, current[index]));
  return `${texts.join(', ')}${metrics.length > SHOWN ? ` + ${String(metrics.length - SHOWN)} more...` : ''}`;
}

function showMetric(metric: Any, current: Any | undefined): string {
  const field = SOURCES[String(metric['type'])] ?? '';
  const source = (metric[field] ?? {}) as Any;
  const values = (current?.[field]?.current ?? {}) as Any;
  const { target = {} } = source;
  const name = metric['type'] === 'Resource' || metric['type'] === 'ContainerResource' ? `${String(source['name'])}: ` : '';
  if (target.averageUtilization !== undefined) return `${name}${values['averageUtilization'] === undefined ? '<unknown>' : `${String(values['averageUtilization'])}%`}/${String(target.averageUtilization)}%`;
  if (target.averageValue !== undefined) return `${name}${String(values['averageValue'] ?? '<unknown>')}/${String(target.averageValue)}${metric['type'] === 'External' || metric['type'] === 'Object' ? ' (avg)' : ''}`;
  return `${name}${String(values['value'] ?? '<unknown>')}/${String(target.value ?? '<auto>')}`;
}
