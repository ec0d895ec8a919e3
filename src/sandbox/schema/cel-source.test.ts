// Expressions as Kubernetes takes them, on the evaluator that is used here.
import { describe, expect, it } from 'vitest';
import { adaptExpression } from './cel-source.ts';
import { evaluateCel } from './cel-rules.ts';

describe('expressions', () => {
  it.each([
    ['has(self.a.b)', 'has(self.a.b)'],
    ['has(self[0].a)', 'self[0].?a.hasValue()'],
    ['self.all(x, has(x.list[1].b) || x.c)', 'self.all(x, x.list[1].?b.hasValue() || x.c)'],
    ['self == "has(x[0].y)"', 'self == "has(x[0].y)"'],
    ['self.has(x[0].y)', 'self.has(x[0].y)'],
  ])('%s', (given, expected) => { expect(adaptExpression(given)).toBe(expected); });

  it.each([
    ['has(self[0].a) && !has(self[0].b)', [{ a: 1 }], true],
    ['url(self).getScheme() == "https" && url(self).getHost() == "h:8" && url(self).getPort() == "8"', 'https://h:8/x', true],
    ['cidr("10.0.0.0/8").containsIP(self) && !cidr("11.0.0.0/8").containsIP(ip(self))', '10.1.2.3', true],
    ['cidr("fe80::/10").containsCIDR("fe80::/64") && ip(self).family() == 6 && !ip(self).isLoopback()', 'fe80::1', true],
    ['quantity(self).isGreaterThan(quantity("1Mi")) && quantity(self).add(1).isInteger() && quantity(self).compareTo(quantity("1024Mi")) == 0', '1Gi', true],
  ])('%s holds', (expression, self, expected) => { expect(evaluateCel(expression, { self })).toBe(expected); });
});
