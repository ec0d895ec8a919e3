// HorizontalPodAutoscalers in their first version and the one that is stored. Version 1 has a field for the use of processors and for nothing else:
// other metrics, their values, conditions and the behaviour stand in annotations there, in the forms that kube-apiserver gives them.
import type { KubeObject } from '../store/index.ts';

/* eslint-disable @typescript-eslint/no-explicit-any -- metrics are schemaless data here */
type Fields = Record<string, any>;

const ANNOTATION = 'autoscaling.alpha.kubernetes.io/';
const [METRICS, CURRENT_METRICS, CONDITIONS, BEHAVIOR] = [`${ANNOTATION}metrics`, `${ANNOTATION}current-metrics`, `${ANNOTATION}conditions`, `${ANNOTATION}behavior`];
const CARRIED: readonly string[] = [METRICS, CURRENT_METRICS, CONDITIONS, BEHAVIOR];

/** What is measured when nobody says what. */
export const DEFAULT_METRIC = { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } } as const;

/** An autoscaler in the wanted version, `autoscaling/v1` or `autoscaling/v2`. */
export function convertAutoscaler(object: KubeObject, wanted: string): KubeObject {
  if (object.apiVersion === wanted) return object;
  return wanted === 'autoscaling/v1' ? toFirst(object) : toSecond(object);
}

const isProcessorUse = (metric: Fields): boolean => metric['type'] === 'Resource' && metric['resource']?.name === 'cpu' && (metric['resource'].target ?? metric['resource'].current)?.averageUtilization !== undefined;
/** An object without the fields that nothing is known of. */
const known = (fields: Fields): Fields => Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== null));

function toFirst(object: KubeObject): KubeObject {
  const { metrics = [], behavior, ...spec } = (object.spec ?? {}) as Fields;
  const { currentMetrics, conditions, ...status } = (object.status ?? {}) as Fields;
  const others = (metrics as Fields[]).filter((metric) => !isProcessorUse(metric));
  const carried = known({
    [METRICS]: others.length > 0 ? JSON.stringify(others.map((metric) => firstMetric(metric, 'target'))) : undefined,
    [CURRENT_METRICS]: currentMetrics?.length > 0 ? JSON.stringify(currentMetrics.map((metric: Fields) => firstMetric(metric, 'current'))) : undefined,
    [CONDITIONS]: conditions?.length > 0 ? JSON.stringify(conditions) : undefined,
    [BEHAVIOR]: behavior === undefined ? undefined : JSON.stringify(behaviorText(behavior)),
  });
  const annotations = { ...object.metadata.annotations, ...carried } as Record<string, string>;
  return {
    ...object,
    apiVersion: 'autoscaling/v1',
    metadata: { ...object.metadata, ...(Object.keys(annotations).length > 0 ? { annotations } : {}) },
    ...(object.spec === undefined ? {} : { spec: known({ ...spec, targetCPUUtilizationPercentage: (metrics as Fields[]).find(isProcessorUse)?.['resource'].target.averageUtilization }) }),
    ...(object.status === undefined ? {} : { status: known({ currentReplicas: 0, ...status, currentCPUUtilizationPercentage: ((currentMetrics ?? []) as Fields[]).find(isProcessorUse)?.['resource'].current.averageUtilization }) }),
  };
}

function toSecond(object: KubeObject): KubeObject {
  const { targetCPUUtilizationPercentage: use, ...spec } = (object.spec ?? {}) as Fields;
  const { currentCPUUtilizationPercentage: currentUse, ...status } = (object.status ?? {}) as Fields;
  const { annotations = {} } = object.metadata;
  const stated = (listIn(annotations[METRICS]) ?? []).map((metric) => secondMetric(metric, 'target'));
  const metrics = [...stated, ...(use === undefined ? [] : [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: use } } }])];
  const measured = listIn(annotations[CURRENT_METRICS])?.map((metric) => secondMetric(metric, 'current')) ?? (currentUse === undefined ? null : [{ type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: currentUse } } }]);
  const conditions = listIn(annotations[CONDITIONS]);
  const behavior = readBehavior(annotations[BEHAVIOR]);
  const kept = Object.fromEntries(Object.entries(annotations).filter(([name]) => !CARRIED.includes(name)));
  const { annotations: _annotations, ...metadata } = object.metadata;
  return {
    ...object,
    apiVersion: 'autoscaling/v2',
    metadata: { ...metadata, ...(Object.keys(kept).length > 0 ? { annotations: kept } : {}) },
    ...(object.spec === undefined ? {} : { spec: known({ ...spec, metrics: metrics.length > 0 ? metrics : [DEFAULT_METRIC], behavior }) }),
    ...(object.status === undefined ? {} : { status: { ...status, ...known({ conditions }), currentMetrics: measured } }),
  };
}

/** A list in an annotation; what is none there is passed over. */
function listIn(text: string | undefined): Fields[] | undefined {
  const value = parsed(text);
  return Array.isArray(value) ? value as Fields[] : undefined;
}

function parsed(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined; // Whoever writes nonsense there has set nothing, as on the real server.
  }
}

type Side = 'target' | 'current';
const prefixed = (side: Side, field: string): string => `${side}${field[0]?.toUpperCase() ?? ''}${field.slice(1)}`;

/** A metric in the words of version 1: its wanted values, or the measured ones. */
function firstMetric({ type, ...sources }: Fields, side: Side): Fields {
  const [[name, source] = ['', {}]] = Object.entries(sources) as [string, Fields][];
  const { value, averageValue, averageUtilization } = (source[side] ?? {}) as Fields;
  const { metric } = source as { metric?: Fields };
  switch (name) {
    case 'object': return { type, object: known({ target: source['describedObject'], metricName: metric?.['name'], [prefixed(side, 'value')]: value ?? '0', selector: metric?.['selector'], averageValue }) };
    case 'pods': return { type, pods: known({ metricName: metric?.['name'], [prefixed(side, 'averageValue')]: averageValue ?? '0', selector: metric?.['selector'] }) };
    case 'external': return { type, external: known({ metricName: metric?.['name'], metricSelector: metric?.['selector'], [prefixed(side, 'value')]: value ?? (side === 'current' ? '0' : undefined), [prefixed(side, 'averageValue')]: averageValue }) };
    default: return { type, [name]: known({ name: source['name'], [prefixed(side, 'averageUtilization')]: averageUtilization, [prefixed(side, 'averageValue')]: averageValue ?? (side === 'current' ? '0' : undefined), container: source['container'] }) };
  }
}

/** A metric of version 1 in the words of version 2. */
function secondMetric({ type, ...sources }: Fields, side: Side): Fields {
  const [[name, source] = ['', {}]] = Object.entries(sources) as [string, Fields][];
  const at = (field: string): unknown => source[prefixed(side, field)];
  const averageValue = name === 'object' ? source['averageValue'] : at('averageValue');
  const kind = averageValue !== undefined ? 'AverageValue' : at('averageUtilization') === undefined ? 'Value' : 'Utilization';
  const values = known({ type: side === 'target' ? kind : undefined, value: at('value'), averageValue, averageUtilization: at('averageUtilization') });
  const metric = known({ name: source['metricName'], selector: source['selector'] ?? source['metricSelector'] });
  if (name === 'object') return { type, object: { describedObject: source['target'], [side]: values, metric } };
  if (name === 'pods' || name === 'external') return { type, [name]: { metric, [side]: values } };
  return { type, [name]: known({ name: source['name'], [side]: values, container: source['container'] }) };
}

/** The behaviour as the annotation has it: with the names of the fields in the server's own type. */
function behaviorText({ scaleUp, scaleDown }: Fields): Fields {
  const rules = (side: Fields | undefined): Fields | null => (side === undefined ? null : {
    StabilizationWindowSeconds: side['stabilizationWindowSeconds'] ?? null,
    SelectPolicy: side['selectPolicy'] ?? null,
    Policies: side['policies']?.map(({ type, value, periodSeconds }: Fields) => ({ Type: type, Value: value, PeriodSeconds: periodSeconds })) ?? null,
    Tolerance: side['tolerance'] ?? null,
  });
  return { ScaleUp: rules(scaleUp), ScaleDown: rules(scaleDown) };
}

function readBehavior(text: string | undefined): Fields | undefined {
  const value = parsed(text);
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? withSmallNames(value) as Fields : undefined;
}

function withSmallNames(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withSmallNames);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).filter(([, child]) => child !== null).map(([name, child]) => [`${name[0]?.toLowerCase() ?? ''}${name.slice(1)}`, withSmallNames(child)]));
}
