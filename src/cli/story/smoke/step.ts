// What a step of the smoke test is: a claim about the running mesh, measured with live traffic.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KubeClient } from '../../../shared/kube/index.ts';
import type { YamlApplier } from '../../cluster/apply-yaml.ts';
import { waitUntil } from '../../cluster/wait.ts';
import type { IngressClient } from '../ingress.ts';
import type { SpanCollector } from './span-collector.ts';

/** Numbers and words that a step measured; they go into the result file. */
export type Measured = Readonly<Record<string, number | string | boolean | readonly string[] | Readonly<Record<string, number>>>>;

/** What a step works with. */
export interface SmokeContext {
  readonly client: KubeClient;
  readonly applier: YamlApplier;
  readonly ingress: IngressClient;
  readonly collector: SpanCollector;
  /** Folder of the project. */
  readonly root: string;
  readonly signal: AbortSignal;
  log(line: string): void;
}

/** Throws when its claim does not hold. Leaves the mesh as it found it. */
export type SmokeStep = (context: SmokeContext) => Promise<Measured>;

/** Throws `message` unless `holds`. */
export function claim(holds: boolean, message: string): asserts holds {
  if (!holds) throw new Error(message);
}

/** A file of the samples. */
export function sample(context: SmokeContext, path: string): string {
  return readFileSync(join(context.root, 'samples', path), 'utf8');
}

/** Applies YAML, works, removes what was applied. */
export async function withYaml<T>(context: SmokeContext, namespace: string, yaml: string, work: () => Promise<T>): Promise<T> {
  const applied = await context.applier.apply(yaml, namespace);
  try {
    return await work();
  } finally {
    await context.applier.remove(applied);
  }
}

/** Routes httpbin's traffic at the ingress gateway by `http` (YAML of the list, indented by four) while `work` runs, with `trafficPolicy` in its destination rule when given. */
export async function withHttpbinRoutes<T>(context: SmokeContext, http: string, work: () => Promise<T>, destinationRule?: string): Promise<T> {
  const routes = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: httpbin }
spec:
  hosts: [httpbin.example.com]
  gateways: [httpbin-gateway]
  http:
${http}`;
  await context.applier.apply(destinationRule === undefined ? routes : `${routes}---\n${destinationRule}`, 'httpbin');
  try {
    return await work();
  } finally {
    await context.applier.apply(sample(context, 'httpbin/httpbin-gateway.yaml'), 'httpbin');
  }
}

/** Waits until `probe` has given true `times` times in a row: a new configuration has reached every proxy on the way. */
export async function settled(context: SmokeContext, what: string, probe: () => Promise<boolean | string>, times = 4): Promise<void> {
  let streak = 0;
  await waitUntil(what, async () => {
    const outcome = await probe();
    streak = outcome === true ? streak + 1 : 0;
    return streak >= times ? undefined : `last seen: ${String(outcome)}`;
  }, { signal: context.signal, timeoutMilliseconds: 30_000, intervalMilliseconds: 120 });
}
