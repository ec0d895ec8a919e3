// Rewrites what Kubernetes' CEL allows and the evaluator does not: `has()` of a field of any expression, not only of a name.

/** The expression in the evaluator's form. */
export function adaptExpression(expression: string): string {
  let result = '';
  let at = 0;
  while (at < expression.length) {
    const literal = /^(?:[rRbB]{0,2}(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'))/s.exec(expression.slice(at))?.[0];
    if (literal) {
      result += literal;
      at += literal.length;
    } else if (/^has\s*\(/.test(expression.slice(at)) && !/[\w.]/.test(expression[at - 1] ?? '')) {
      const open = expression.indexOf('(', at);
      const close = matching(expression, open);
      result += adaptHas(expression.slice(open + 1, close).trim());
      at = close + 1;
    } else {
      result += expression[at] ?? '';
      at += 1;
    }
  }
  return result;
}

function adaptHas(argument: string): string {
  if (/^[\w\s.?]+$/.test(argument)) return `has(${argument})`;
  const inner = adaptExpression(argument);
  const dot = inner.lastIndexOf('.');
  const field = inner.slice(dot + 1);
  // Not a field at all: let the evaluator say so.
  if (dot < 0 || !/^\w+$/.test(field)) return `has(${inner})`;
  return `${inner.slice(0, dot)}.?${field}.hasValue()`;
}

/** Where the bracket that opens at `open` is closed; the end when it is not. */
function matching(text: string, open: number): number {
  let depth = 0;
  for (let at = open; at < text.length; at += 1) {
    const char = text[at] ?? '';
    if (char === '"' || char === "'") at = endOfText(text, at, char);
    else if (char === '(') depth += 1;
    else if (char === ')' && --depth === 0) return at;
  }
  return text.length;
}

function endOfText(text: string, start: number, quote: string): number {
  for (let at = start + 1; at < text.length; at += 1) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === quote) return at;
  }
  return text.length;
}
