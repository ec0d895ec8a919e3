// The Prometheus text format: writing series, and joining several programs' texts into one.

/** A label value in the text format. */
export function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

/** `{a="1",b="2"}`, empty for no labels. */
export function labelText(labels: readonly (readonly [string, string])[]): string {
  return labels.length === 0 ? '' : `{${labels.map(([name, value]) => `${name}="${escapeLabel(value)}"`).join(',')}}`;
}

/** The lines of one histogram series; `buckets` count each bound alone, the last one what is above all. */
export function histogramLines(name: string, labels: readonly (readonly [string, string])[], bounds: readonly number[], buckets: Float64Array, sum: number, count: number): string {
  const inner = labels.map(([label, value]) => `${label}="${escapeLabel(value)}"`).join(',');
  const before = inner === '' ? '' : `${inner},`;
  let total = 0;
  let text = '';
  for (const [index, bound] of bounds.entries()) {
    total += buckets[index] ?? 0;
    text += `${name}_bucket{${before}le="${bound}"} ${total}\n`;
  }
  const after = inner === '' ? '' : `{${inner}}`;
  return `${text}${name}_bucket{${before}le="+Inf"} ${count}\n${name}_sum${after} ${sum}\n${name}_count${after} ${count}\n`;
}

/** Several texts as one: OpenMetrics' end marks go, a family's type is told once. */
export function mergeTexts(texts: readonly string[]): string {
  const declared = new Set<string>();
  const lines: string[] = [];
  for (const text of texts) {
    for (const line of text.split('\n')) {
      if (line === '' || line === '# EOF') continue;
      const declaration = /^# (?:TYPE|HELP) (\S+)/.exec(line)?.[0];
      if (declaration !== undefined) {
        if (declared.has(declaration)) continue;
        declared.add(declaration);
      }
      lines.push(line);
    }
  }
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}
