// The functions that Kubernetes adds to CEL, as far as CustomResourceDefinitions and webhook conditions in use need them.
import type { Environment } from '@marcbachmann/cel-js';
import { registerKubernetesTypes } from './cel-types.ts';

type Ordered = bigint | number | string;

/** Adds Kubernetes' list, string, regular expression and URL functions. */
export function registerKubernetesLibrary(environment: Environment): Environment {
  environment
    .registerFunction('list.isSorted(): bool', (list: readonly Ordered[]) => list.every((item, index) => index === 0 || (list[index - 1] as Ordered) <= item))
    .registerFunction('list.sum(): dyn', (list: readonly (bigint | number)[]) => list.reduce((total, item) => (typeof total === 'bigint' && typeof item === 'bigint' ? total + item : Number(total) + Number(item)), 0n as bigint | number))
    .registerFunction('list.min(): dyn', (list: readonly Ordered[]) => extreme(list, (item, best) => item < best, 'min'))
    .registerFunction('list.max(): dyn', (list: readonly Ordered[]) => extreme(list, (item, best) => item > best, 'max'))
    .registerFunction('list.indexOf(dyn): int', (list: readonly unknown[], wanted: unknown) => BigInt(list.indexOf(wanted)))
    .registerFunction('list.lastIndexOf(dyn): int', (list: readonly unknown[], wanted: unknown) => BigInt(list.lastIndexOf(wanted)))
    .registerFunction('string.replace(string, string): string', (text: string, from: string, to: string) => text.replaceAll(from, () => to))
    .registerFunction('string.find(string): string', (text: string, pattern: string) => new RegExp(pattern, 'u').exec(text)?.[0] ?? '')
    .registerFunction('string.findAll(string): list<string>', (text: string, pattern: string) => [...text.matchAll(new RegExp(pattern, 'gu'))].map((match) => match[0]))
    .registerFunction('isURL(string): bool', (text: string) => URL.canParse(text))
    .registerFunction('isQuantity(string): bool', (text: string) => /^[+-]?(\d+\.?\d*|\.\d+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?\d+)?$/.test(text))
    .registerFunction('isIP(string): bool', (text: string) => /^(\d{1,3}\.){3}\d{1,3}$/.test(text) || (text.includes(':') && URL.canParse(`http://[${text}]/`)));
  return registerKubernetesTypes(environment);
}

function extreme(list: readonly Ordered[], better: (item: Ordered, best: Ordered) => boolean, name: string): Ordered {
  const [first, ...rest] = list;
  if (first === undefined) throw new Error(`${name} called on empty list`);
  return rest.reduce((best, item) => (better(item, best) ? item : best), first);
}
