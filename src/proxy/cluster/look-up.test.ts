// Which of a name's addresses a cluster uses.
import { expect, it } from 'vitest';
import { wanted } from './look-up.ts';

const both = ['192.0.2.1', '2001:db8::1', '192.0.2.2'];

it.each([
  ['ipv4', ['192.0.2.1', '192.0.2.2'], []], ['ipv6', ['2001:db8::1'], ['2001:db8::1']], ['ipv4_else_ipv6', ['192.0.2.1', '192.0.2.2'], ['2001:db8::1']],
  ['ipv6_else_ipv4', ['2001:db8::1'], ['2001:db8::1']], ['all', both, ['2001:db8::1']],
] as const)('%s takes its own of both families, and of IPv6 alone', (families, ofBoth, ofSix) => {
  expect(wanted(both, families)).toEqual(ofBoth);
  expect(wanted(['2001:db8::1'], families)).toEqual(ofSix);
});
