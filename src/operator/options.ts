// Command line and environment of the operator -> typed options. `docs/operate/operator-options.md` describes them.
import { parseArgs } from 'node:util';
import { isLogLevel, type LogLevel } from '../shared/observability/index.ts';
import { readRelatedImages, type RelatedImages } from './versions/index.ts';

/** What the operator is told from outside. */
export interface OperatorOptions {
  readonly namespace: string;
  readonly podName: string;
  readonly version: string;
  readonly templatesDirectory: string;
  readonly crdsDirectory: string;
  readonly webhookPort: number;
  readonly probePort: number;
  readonly metricsPort: number;
  readonly bindAddress: string | undefined;
  readonly leaderElect: boolean;
  readonly leaseSeconds: number;
  readonly renewSeconds: number;
  readonly retrySeconds: number;
  readonly manageWebhooks: boolean;
  readonly manageCrds: boolean;
  readonly memberReconcilers: number;
  readonly waveDeadlineSeconds: number | undefined;
  readonly logLevel: LogLevel;
  /** Images that stand in place of the versions' own. */
  readonly relatedImages?: RelatedImages;
}

/** One flag: its default and what it does. */
export interface FlagDescription {
  readonly flag: string;
  readonly fallback: string;
  readonly meaning: string;
}

/** Every flag, for the parser, `--help` and the documentation. */
export const operatorFlags: readonly FlagDescription[] = [
  { flag: 'templates-dir', fallback: '', meaning: 'Directory with versions.yaml and one directory a mesh version; found beside the program when empty' },
  { flag: 'crds-dir', fallback: '', meaning: 'Directory with the CustomResourceDefinitions to install; found beside the program when empty' },
  { flag: 'webhook-port', fallback: '11999', meaning: 'Port of the admission webhooks' },
  { flag: 'probe-port', fallback: '11200', meaning: 'Port of /healthz and /readyz' },
  { flag: 'metrics-port', fallback: '8383', meaning: 'Port of /metrics' },
  { flag: 'bind-address', fallback: '', meaning: 'Address that the ports bind to; all when empty' },
  { flag: 'leader-elect', fallback: 'true', meaning: 'Reconcile only while holding the Lease istio-operator-lock' },
  { flag: 'leader-elect-lease-duration', fallback: '15', meaning: 'Seconds after which another replica may take the Lease over' },
  { flag: 'leader-elect-renew-deadline', fallback: '10', meaning: 'Seconds within which the leader must renew the Lease' },
  { flag: 'leader-elect-retry-period', fallback: '2', meaning: 'Seconds between attempts' },
  { flag: 'manage-webhooks', fallback: 'true', meaning: 'Keep the certificate of the webhooks and their caBundle; false where OLM does' },
  { flag: 'manage-crds', fallback: 'true', meaning: 'Install and upgrade CustomResourceDefinitions' },
  { flag: 'memberReconcilers', fallback: '10', meaning: 'ServiceMeshMembers reconciled at a time' },
  { flag: 'wave-deadline', fallback: '', meaning: "Seconds that a wave of a roll-out may take; the version's own deadlines when empty" },
  { flag: 'log-level', fallback: 'info', meaning: 'trace, debug, info, warn, error, fatal or silent' },
];

/** Parses the arguments; throws with what is wrong. */
export function parseOperatorOptions(args: readonly string[], environment: Readonly<Record<string, string | undefined>>, defaults: { readonly version: string; readonly templatesDirectory: string; readonly crdsDirectory: string }): OperatorOptions {
  const options = Object.fromEntries(operatorFlags.map(({ flag, fallback }) => [flag, { type: 'string' as const, default: fallback }]));
  const { values } = parseArgs({ args: [...args], options, strict: true, allowPositionals: false });
  const text = (flag: string): string => String(values[flag] ?? '');
  const logLevel = text('log-level');
  if (!isLogLevel(logLevel)) throw new Error(`--log-level ${logLevel} is none of trace, debug, info, warn, error, fatal, silent`);
  return {
    namespace: environment['POD_NAMESPACE'] || 'mizzen-operator',
    podName: environment['POD_NAME'] || `mizzen-operator-${process.pid}`,
    version: environment['OPERATOR_VERSION'] || defaults.version,
    templatesDirectory: text('templates-dir') || environment['MIZZEN_TEMPLATES'] || defaults.templatesDirectory,
    crdsDirectory: text('crds-dir') || environment['MIZZEN_CRDS'] || defaults.crdsDirectory,
    webhookPort: number(text, 'webhook-port'), probePort: number(text, 'probe-port'), metricsPort: number(text, 'metrics-port'),
    bindAddress: text('bind-address') || undefined,
    leaderElect: flag(text, 'leader-elect'),
    leaseSeconds: number(text, 'leader-elect-lease-duration'), renewSeconds: number(text, 'leader-elect-renew-deadline'), retrySeconds: number(text, 'leader-elect-retry-period'),
    manageWebhooks: flag(text, 'manage-webhooks'), manageCrds: flag(text, 'manage-crds'),
    memberReconcilers: number(text, 'memberReconcilers'),
    waveDeadlineSeconds: text('wave-deadline') === '' ? undefined : number(text, 'wave-deadline'),
    logLevel,
    relatedImages: relatedImages(environment),
  };
}

function relatedImages(environment: Readonly<Record<string, string | undefined>>): RelatedImages {
  const read = readRelatedImages(environment);
  if (!read.ok) throw new Error(read.error.map(({ code, path, message }) => `${code}: ${path}: ${message}`).join('; '));
  return read.value;
}

function number(text: (flag: string) => string, name: string): number {
  const value = Number(text(name));
  if (text(name) === '' || !Number.isFinite(value) || value < 0) throw new Error(`--${name} ${text(name)} is not a number`);
  return value;
}

function flag(text: (flag: string) => string, name: string): boolean {
  if (text(name) !== 'true' && text(name) !== 'false') throw new Error(`--${name} ${text(name)} must be true or false`);
  return text(name) === 'true';
}
