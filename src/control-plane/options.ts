// mizzend's options: the arguments and environment that Istio's pilot-discovery takes, as far as they mean something here, parsed once.
import { isLogLevel, type LogLevel } from '../shared/observability/index.ts';
import { describeOptions, parseOptions, type OptionSpec, type OptionValues } from '../shared/process/index.ts';

/** Where something listens; an absent host means every address of the pod. */
export interface ListenAddress {
  readonly host?: string;
  readonly port: number;
}

/** All options, with defaults filled in. */
export interface MizzendOptions {
  readonly revision: string;
  readonly podName: string;
  readonly namespace: string;
  readonly memberRollName: string;
  readonly domain: string;
  readonly meshConfigFile: string;
  readonly injectionDirectory: string;
  readonly grpc: ListenAddress;
  readonly secureGrpc: ListenAddress;
  readonly https: ListenAddress;
  readonly http: ListenAddress;
  readonly monitoring: ListenAddress;
  readonly maximumConnectionAgeMilliseconds: number;
  readonly debounceAfterMilliseconds: number;
  readonly debounceMaximumMilliseconds: number;
  readonly endpointDebounceAfterMilliseconds: number;
  readonly pushConcurrency: number;
  readonly workloadCertificateMilliseconds: number;
  readonly maximumWorkloadCertificateMilliseconds: number;
  readonly fileCheckMilliseconds: number;
  /** In order; without a name for all loggers. */
  readonly logLevels: readonly { readonly logger?: string; readonly level: LogLevel }[];
  readonly writesStatus: boolean;
  /** What is done for the Gateway API; its objects are always read where its definitions are installed. */
  readonly gatewayApi: { readonly writesStatus: boolean; readonly deploys: boolean; readonly ownsClasses: boolean };
  readonly tokenAudiences: readonly string[];
  /** How the key sets of token issuers are fetched. */
  readonly keySets: { readonly refreshMilliseconds: number; readonly blockedRanges: readonly string[] };
}

/** What the arguments ask for. */
export type ParsedArguments = { readonly kind: 'run'; readonly options: MizzendOptions } | { readonly kind: 'help'; readonly text: string } | { readonly kind: 'invalid'; readonly message: string };

const SPECS = {
  grpcAddr: { kind: 'string', default: ':15010', help: 'Address of xDS and certificates without TLS' },
  secureGrpcAddr: { kind: 'string', default: ':15012', help: 'Address of xDS and certificates with TLS' },
  httpsAddr: { kind: 'string', default: ':15017', help: 'Address of the webhooks' },
  httpAddr: { kind: 'string', default: ':8080', help: 'Address of readiness and debug pages' },
  monitoringAddr: { kind: 'string', default: ':15014', help: 'Address of metrics and debug pages' },
  domain: { kind: 'string', default: 'cluster.local', help: 'DNS domain of the cluster' },
  keepaliveMaxServerConnectionAge: { kind: 'duration', default: 1_800_000, help: 'After about so long a proxy is asked to connect again' },
  meshConfig: { kind: 'string', env: 'MESH_CONFIG_FILE', default: '/etc/istio/config/mesh', help: 'The mesh configuration, watched' },
  injectionDirectory: { kind: 'string', env: 'INJECTION_DIRECTORY', default: '/var/lib/istio/inject', help: 'Folder of the injection files config and values, watched' },
  revision: { kind: 'string', env: 'REVISION', default: 'default', help: 'Name of this control plane' },
  podName: { kind: 'string', env: 'POD_NAME', default: 'mizzend', help: 'Name of this pod' },
  namespace: { kind: 'string', env: 'POD_NAMESPACE', default: 'istio-system', help: 'Namespace of this control plane' },
  memberRoll: { kind: 'string', env: 'MEMBER_ROLL_NAME', default: 'default', help: 'The ServiceMeshMemberRoll that names the namespaces to serve' },
  debounceAfter: { kind: 'duration', env: 'PILOT_DEBOUNCE_AFTER', default: 100, help: 'A burst of changes ends after so long without one' },
  debounceMax: { kind: 'duration', env: 'PILOT_DEBOUNCE_MAX', default: 10_000, help: 'A burst of changes ends after so long at the latest' },
  endpointDebounceAfter: { kind: 'duration', env: 'MIZZEND_ENDPOINT_DEBOUNCE_AFTER', default: 20, help: 'A burst of endpoint changes ends after so long without one' },
  pushThrottle: { kind: 'number', env: 'PILOT_PUSH_THROTTLE', default: 20, help: 'Proxies pushed at a time' },
  workloadCertTtl: { kind: 'duration', env: 'DEFAULT_WORKLOAD_CERT_TTL', default: 86_400_000, help: 'Life of a workload certificate' },
  maxWorkloadCertTtl: { kind: 'duration', env: 'MAX_WORKLOAD_CERT_TTL', default: 7_776_000_000, help: 'The longest life that a workload may ask for' },
  fileCheck: { kind: 'duration', env: 'MIZZEND_FILE_CHECK', default: 1_000, help: 'How often mounted files are looked at' },
  logOutputLevel: { kind: 'list', env: 'LOG_OUTPUT_LEVEL', default: ['default:info'], help: 'Levels of the loggers, name:level,...; default stands for all' },
  logAsJson: { kind: 'boolean', default: true, help: 'Accepted as Istio has it: lines are always JSON' },
  analysis: { kind: 'boolean', env: 'PILOT_ENABLE_ANALYSIS', default: false, help: 'Write what is wrong with an object into its status' },
  gatewayApiStatus: { kind: 'boolean', env: 'PILOT_ENABLE_GATEWAY_API_STATUS', default: true, help: 'Write statuses of the Gateway API\'s objects' },
  gatewayApiDeployments: { kind: 'boolean', env: 'PILOT_ENABLE_GATEWAY_API_DEPLOYMENT_CONTROLLER', default: true, help: 'Make a workload for each Gateway of the Gateway API' },
  jwksRefresh: { kind: 'duration', env: 'PILOT_JWT_PUB_KEY_REFRESH_INTERVAL', default: 1_200_000, help: 'How often the key sets of token issuers are fetched' },
  jwksBlockedCidrs: { kind: 'list', env: 'BLOCKED_CIDRS_IN_JWKS_URIS', default: [], help: 'Address ranges that are never asked for key sets; those of cloud metadata never are' },
  tokenAudiences: { kind: 'list', env: 'TOKEN_AUDIENCES', default: ['istio-ca'], help: 'Audiences of the service account tokens that are accepted' },
} as const satisfies Readonly<Record<string, OptionSpec>>;

/** Parses arguments (without program and script) and environment. */
export function parseArguments(argv: readonly string[], environment: Readonly<Record<string, string | undefined>>): ParsedArguments {
  if (argv.includes('--help') || argv.includes('-h')) return { kind: 'help', text: helpText() };
  const parsed = parseOptions(SPECS, argv.map(kebabCaseFlag), environment);
  const problems: string[] = parsed.ok ? parsed.value.rest.filter((word) => word !== 'discovery').map((word) => `unknown argument ${word}`) : [...parsed.error];
  if (parsed.ok && problems.length === 0) {
    try {
      return { kind: 'run', options: readOptions(parsed.value.values, environment) };
    } catch (error) {
      problems.push((error as Error).message);
    }
  }
  return { kind: 'invalid', message: `${problems.join('\n')}\nmizzend --help lists the options` };
}

function readOptions(values: OptionValues<typeof SPECS>, environment: Readonly<Record<string, string | undefined>>): MizzendOptions {
  if (!Number.isInteger(values.pushThrottle) || values.pushThrottle < 1) throw new Error('PILOT_PUSH_THROTTLE must be a positive whole number');
  return {
    revision: values.revision, podName: values.podName, namespace: values.namespace, memberRollName: values.memberRoll, domain: values.domain,
    meshConfigFile: values.meshConfig, injectionDirectory: values.injectionDirectory,
    grpc: parseAddress(values.grpcAddr), secureGrpc: parseAddress(values.secureGrpcAddr), https: parseAddress(values.httpsAddr), http: parseAddress(values.httpAddr), monitoring: parseAddress(values.monitoringAddr),
    maximumConnectionAgeMilliseconds: values.keepaliveMaxServerConnectionAge,
    debounceAfterMilliseconds: values.debounceAfter, debounceMaximumMilliseconds: values.debounceMax, endpointDebounceAfterMilliseconds: values.endpointDebounceAfter,
    pushConcurrency: values.pushThrottle,
    workloadCertificateMilliseconds: values.workloadCertTtl, maximumWorkloadCertificateMilliseconds: values.maxWorkloadCertTtl,
    fileCheckMilliseconds: values.fileCheck,
    logLevels: values.logOutputLevel.map(parseLogLevel),
    writesStatus: values.analysis,
    // A control plane for chosen namespaces is told their roll; several such share the GatewayClasses.
    gatewayApi: { writesStatus: values.gatewayApiStatus, deploys: values.gatewayApiDeployments, ownsClasses: environment['MEMBER_ROLL_NAME'] === undefined },
    tokenAudiences: values.tokenAudiences,
    keySets: { refreshMilliseconds: values.jwksRefresh, blockedRanges: values.jwksBlockedCidrs },
  };
}

/** Istio's level `none` is our `silent`. */
function parseLogLevel(text: string): MizzendOptions['logLevels'][number] {
  const [logger = '', name = ''] = text.includes(':') ? text.split(':') : ['default', text];
  const level = name === 'none' ? 'silent' : name;
  if (!isLogLevel(level)) throw new Error(`--log_output_level: '${text}' is not of the form name:level with a level of debug, info, warn, error or none`);
  return logger === 'default' || logger === 'all' ? { level } : { logger, level };
}

/** Istio writes its flags in camel and in snake case: `--monitoringAddr`, `--secureGRPCAddr`, `--log_output_level`. */
function kebabCaseFlag(word: string): string {
  if (!word.startsWith('--')) return word;
  const [flag = '', ...value] = word.split('=');
  return [flag.replace(/GRPC/g, 'Grpc').replaceAll('_', '-').replace(/([a-z])([A-Z])/g, '$1-$2').toLowerCase(), ...value].join('=');
}

function parseAddress(text: string): ListenAddress {
  const match = /^(?:\[([^\]]+)\]|([^:]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (!match || port > 65_535) throw new Error(`${text} is not an address of the form host:port or :port`);
  const host = match[1] ?? match[2];
  return host ? { host, port } : { port };
}

function helpText(): string {
  return `mizzend discovery [options]\n\nThe control plane of the mesh: configuration and certificates for proxies, injection and validation webhooks.\n\n${describeOptions(SPECS)}`;
}
