// A request that curl sends from a pod: its command line, and what came back.

/** What to send. */
export interface RequestOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly timeoutSeconds?: number;
  /** Further arguments of curl, such as `--http2-prior-knowledge`. */
  readonly curl?: readonly string[];
  /** The container that has curl; the pod's first when absent. */
  readonly container?: string;
}

/** What came back. */
export interface Answer {
  /** 0 when no answer came. */
  readonly status: number;
  /** By name in lower case; several values of one name are joined with a comma. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** What curl says of a failure; empty without one. */
  readonly error: string;
}

const WRITE_OUT = '%{stderr}\n{"status":%{http_code},"headers":%{header_json}}';

/** The command line of a request. */
export function requestCommand(url: string, options: RequestOptions): string[] {
  return [
    'curl', '--silent', '--show-error', '--max-time', String(options.timeoutSeconds ?? 10), '--write-out', WRITE_OUT,
    ...(options.method === undefined ? [] : ['--request', options.method]),
    ...Object.entries(options.headers ?? {}).flatMap(([name, value]) => ['--header', `${name}: ${value}`]),
    ...(options.body === undefined ? [] : ['--data-binary', '@-']),
    ...(options.curl ?? []), url,
  ];
}

/** Reads what the command wrote: the body, and on standard error what curl says followed by what WRITE_OUT asks for. */
export function parseAnswer(result: { readonly status: number | undefined; readonly stdout: string; readonly stderr: string }): Answer {
  const start = result.stderr.lastIndexOf('\n{"status":');
  if (start < 0) return { status: 0, headers: {}, body: result.stdout, error: result.stderr.trim() || `curl did not run (status ${result.status ?? 'none'})` };
  const end = result.stderr.lastIndexOf('}}');
  // curl writes 000 for no answer, which is no number of JSON.
  const written = JSON.parse(result.stderr.slice(start, end + 2).replace('"status":000', '"status":0')) as { readonly status: number; readonly headers: Readonly<Record<string, readonly string[]>> };
  return {
    status: written.status, body: result.stdout,
    headers: Object.fromEntries(Object.entries(written.headers).map(([name, values]) => [name, values.join(', ')])),
    error: result.status === 0 ? '' : `${result.stderr.slice(0, start)}${result.stderr.slice(end + 2)}`.trim(),
  };
}
