// Trace context of a request: read as B3 (several headers or one) or W3C traceparent, continued by a span of our own, written in both forms so that any
// tracer behind us can go on.
import type { TracingConfig } from '../../../config/filter-config.ts';
import type { HeaderMap } from '../../../stream/header-map.ts';
import type { StreamInfo } from '../../../stream/stream-info.ts';

interface Incoming { readonly traceId: string; readonly spanId: string; readonly sampled: boolean | null }

const HEX16 = /^[0-9a-f]{16}$/;
const TRACE_ID = /^(?:[0-9a-f]{16}|[0-9a-f]{32})$/;
const HEX = '0123456789abcdef';

function hex(length: number, random: () => number): string {
  let text = '';
  for (let index = 0; index < length; index += 1) text += HEX[Math.floor(random() * 16)] ?? '0';
  return text;
}

/** Starts the request's span: sets `info.trace` and the headers that go upstream. */
export function startTrace(headers: HeaderMap, info: StreamInfo, config: TracingConfig, random: () => number): void {
  const incoming = readW3c(headers) ?? readB3(headers) ?? readB3Single(headers);
  const sampled = incoming?.sampled ?? decisionAlone(headers) ?? drawSampled(headers, config, random);
  const traceId = incoming?.traceId ?? hex(config.provider?.traceId128 === false ? 16 : 32, random);
  const trace = { traceId, spanId: hex(16, random), parentSpanId: incoming?.spanId ?? '', sampled };
  info.trace = trace;
  headers.set('x-b3-traceid', traceId);
  headers.set('x-b3-spanid', trace.spanId);
  if (trace.parentSpanId !== '') headers.set('x-b3-parentspanid', trace.parentSpanId);
  else headers.remove('x-b3-parentspanid');
  headers.set('x-b3-sampled', sampled ? '1' : '0');
  headers.set('traceparent', `00-${traceId.padStart(32, '0')}-${trace.spanId}-${sampled ? '01' : '00'}`);
  if (headers.has('b3')) headers.set('b3', `${traceId}-${trace.spanId}-${sampled ? '1' : '0'}${trace.parentSpanId === '' ? '' : `-${trace.parentSpanId}`}`);
}

/** A decision that came without ids, as B3 allows: `b3: 0`, `x-b3-sampled: 1`. */
function decisionAlone(headers: HeaderMap): boolean | null {
  const single = headers.get('b3');
  if (single !== undefined && /^[01d]$/.test(single)) return single !== '0';
  return sampledOf(headers.get('x-b3-flags') === '1' ? '1' : headers.get('x-b3-sampled'));
}

function drawSampled(headers: HeaderMap, config: TracingConfig, random: () => number): boolean {
  if (random() * 100 >= config.overallSamplingPercent) return false;
  if (headers.has('x-envoy-force-trace')) return true;
  if (headers.has('x-client-trace-id')) return random() * 100 < config.clientSamplingPercent;
  return random() * 100 < config.randomSamplingPercent;
}

function readB3(headers: HeaderMap): Incoming | null {
  const traceId = headers.get('x-b3-traceid')?.toLowerCase() ?? '';
  const spanId = headers.get('x-b3-spanid')?.toLowerCase() ?? '';
  const flag = headers.get('x-b3-flags') === '1' ? '1' : headers.get('x-b3-sampled');
  return TRACE_ID.test(traceId) && HEX16.test(spanId) ? { traceId, spanId, sampled: sampledOf(flag) } : null;
}

function readB3Single(headers: HeaderMap): Incoming | null {
  const [traceId = '', spanId = '', flag] = (headers.get('b3') ?? '').toLowerCase().split('-');
  return TRACE_ID.test(traceId) && HEX16.test(spanId) ? { traceId, spanId, sampled: sampledOf(flag) } : null;
}

function readW3c(headers: HeaderMap): Incoming | null {
  const match = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:$|-)/.exec(headers.get('traceparent') ?? '');
  if (!match || /^0+$/.test(match[1] ?? '') || /^0+$/.test(match[2] ?? '')) return null;
  return { traceId: match[1] ?? '', spanId: match[2] ?? '', sampled: (Number.parseInt(match[3] ?? '0', 16) & 1) === 1 };
}

function sampledOf(flag: string | undefined): boolean | null {
  if (flag === undefined || flag === '') return null;
  return flag === '1' || flag === 'd' || flag === 'true';
}
