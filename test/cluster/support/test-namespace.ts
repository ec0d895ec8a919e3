// A namespace of one test: what it applies, runs and asks there with the real kubectl, and its removal with all that is in it.
import { clusterUnderTest } from './cluster-under-test.ts';
import { MEMBER_LABELS } from './mesh-installation.ts';
import { parseAnswer, requestCommand, type Answer, type RequestOptions } from './pod-request.ts';

/** How a namespace is to be. */
export interface NamespaceOptions {
  /** Whether it is a member of the ring's mesh, so that pods get sidecars where they ask for them. */
  readonly member?: boolean;
  readonly labels?: Readonly<Record<string, string>>;
}

/** Where in a pod something runs. */
export interface ExecOptions {
  readonly container?: string;
  readonly input?: string;
  readonly timeoutMilliseconds?: number;
}

/** How a command in a pod ended. */
export interface ExecResult {
  readonly status: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

const MEMBERSHIP_MILLISECONDS = 60_000;
const READY_SECONDS = 120;

/** A namespace of a test. */
export class TestNamespace {
  readonly name: string;

  private constructor(name: string) {
    this.name = name;
  }

  /** Makes the namespace, anew when an earlier run left it; a member is usable when this resolves. */
  static async create(name: string, options: NamespaceOptions = {}): Promise<TestNamespace> {
    const { kubectl } = clusterUnderTest();
    await kubectl.run(['delete', 'namespace', name, '--ignore-not-found', '--wait']);
    const labels = { ...options.labels, ...(options.member === true ? MEMBER_LABELS : {}) };
    await kubectl.run(['apply', '-f', '-'], { input: JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } }) });
    // Pods are refused before their service account is there.
    await kubectl.until(['--namespace', name, 'get', 'serviceaccount', 'default'], MEMBERSHIP_MILLISECONDS, `the default service account of ${name}`);
    if (options.member === true) {
      await kubectl.run(['wait', '--for=jsonpath={.metadata.labels.maistra\\.io/member-of}', `namespace/${name}`, `--timeout=${MEMBERSHIP_MILLISECONDS / 1000}s`]);
      // The injector reads its own view of members.
      await kubectl.until(['--namespace', name, 'get', 'configmap', 'istio-ca-root-cert'], MEMBERSHIP_MILLISECONDS, `the mesh's root certificate in ${name}`);
    }
    return new TestNamespace(name);
  }

  /** Runs kubectl in this namespace; throws unless it succeeds. */
  kubectl(...args: readonly string[]): Promise<string> {
    return clusterUnderTest().kubectl.run(['--namespace', this.name, ...args]);
  }

  /** Applies objects, as YAML text or as values. */
  async apply(objects: string | object | readonly object[]): Promise<void> {
    const input = typeof objects === 'string' ? objects : JSON.stringify(Array.isArray(objects) ? { apiVersion: 'v1', kind: 'List', items: objects } : objects);
    await clusterUnderTest().kubectl.run(['--namespace', this.name, 'apply', '-f', '-'], { input });
  }

  /** Waits until every pod that is to run is ready, or those that a label selects. */
  async ready(selector?: string): Promise<void> {
    const { kubectl } = clusterUnderTest();
    const chosen = selector === undefined ? ['--all'] : ['--selector', selector];
    for (const workload of ['deployment', 'statefulset', 'daemonset']) {
      const names = (await this.kubectl('get', workload, '--output=name', ...(selector === undefined ? [] : ['--selector', selector]))).split('\n').filter(Boolean);
      for (const name of names) await this.kubectl('rollout', 'status', name, `--timeout=${READY_SECONDS}s`);
    }
    // Pods of jobs that are done are never ready.
    const result = await kubectl.attempt(['--namespace', this.name, 'wait', 'pod', ...chosen, '--field-selector=status.phase!=Succeeded', '--for=condition=Ready', `--timeout=${READY_SECONDS}s`]);
    if (result.status !== 0 && !/no matching resources/.test(result.stderr)) throw new Error(`not all pods of ${this.name} became ready: ${result.stderr.trim()}\n${await this.kubectl('get', 'pods', '--output=wide')}`);
  }

  /** An object, or a list of them. */
  async get<T>(...what: readonly string[]): Promise<T> {
    return JSON.parse(await this.kubectl('get', ...what, '--output=json')) as T;
  }

  /** Runs a command in a pod (or `deployment/NAME`), whatever its status. */
  exec(pod: string, command: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
    const { container, input, timeoutMilliseconds } = options;
    return clusterUnderTest().kubectl.attempt(
      ['--namespace', this.name, 'exec', pod, ...(container === undefined ? [] : ['--container', container]), ...(input === undefined ? [] : ['--stdin']), '--', ...command],
      { ...(input === undefined ? {} : { input }), ...(timeoutMilliseconds === undefined ? {} : { timeoutMilliseconds }) });
  }

  /** Runs a command in a pod that must succeed; gives its standard output. */
  async execText(pod: string, command: readonly string[], options: ExecOptions = {}): Promise<string> {
    const result = await this.exec(pod, command, options);
    if (result.status !== 0) throw new Error(`\`${command.join(' ')}\` in ${pod} ended with status ${result.status ?? 'none'}: ${result.stderr.trim()}${result.stdout.trim()}`);
    return result.stdout;
  }

  /** Sends a request with curl from a pod of the test tools. */
  async request(pod: string, url: string, options: RequestOptions = {}): Promise<Answer> {
    return parseAnswer(await this.exec(pod, requestCommand(url, options), { ...(options.container === undefined ? {} : { container: options.container }), ...(options.body === undefined ? {} : { input: options.body }) }));
  }

  /** What a container has logged. */
  logs(pod: string, container?: string): Promise<string> {
    return this.kubectl('logs', pod, ...(container === undefined ? [] : ['--container', container]), '--tail=-1');
  }

  /** Removes the namespace with all that is in it; does not wait, as Kubernetes takes its time over that. */
  async remove(): Promise<void> {
    await clusterUnderTest().kubectl.run(['delete', 'namespace', this.name, '--ignore-not-found', '--wait=false']);
  }
}
