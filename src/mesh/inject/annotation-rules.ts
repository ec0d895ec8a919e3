// What annotations of a pod may say: each that ends in a firewall rule, a resource or a flag is read strictly, so that a mistake is refused when the pod is made and not by a container that fails for ever.
import { errorIssue, isAddressRange, isInterfaceName, isPortText, type Issue } from '../../shared/lib/index.ts';

/** Code of what is wrong with an annotation. */
export const ANNOTATION_CODE = 'MESH_INJECT_ANNOTATION';

interface Rule {
  readonly allows: (value: string) => boolean;
  /** What a value is to be, after `must be`. */
  readonly wanted: string;
}

const TRUE = new Set(['1', 't', 'T', 'TRUE', 'true', 'True']);
const FALSE = new Set(['0', 'f', 'F', 'FALSE', 'false', 'False']);
const LOG_LEVELS = new Set(['trace', 'debug', 'info', 'warning', 'warn', 'error', 'critical', 'off']);
// A Kubernetes quantity that is not negative.
const QUANTITY = /^\+?(\d+(\.\d*)?|\.\d+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?\d+)?$/;

/** Whether an annotation that is a flag is set; Istio's spellings of true. */
export function isTrue(annotation: string): boolean {
  return TRUE.has(annotation);
}

function listOf(isItem: (value: string) => boolean, wanted: string): Rule {
  return { allows: (value) => value.split(',').map((item) => item.trim()).every((item) => item === '' || isItem(item)), wanted };
}

const orAll = (isItem: (value: string) => boolean) => (value: string): boolean => value === '*' || isItem(value);
const PORTS = listOf(isPortText, 'a list of ports from 1 to 65535');
const PORTS_OR_ALL = listOf(orAll(isPortText), 'a list of ports from 1 to 65535, or *');
const RANGES = listOf(isAddressRange, 'a list of CIDR ranges');
const RANGES_OR_ALL = listOf(orAll(isAddressRange), 'a list of CIDR ranges, or *');
const INTERFACES = listOf(isInterfaceName, 'a list of names of interfaces');
const FLAG: Rule = { allows: (value) => TRUE.has(value) || FALSE.has(value), wanted: 'true or false' };
const AMOUNT: Rule = { allows: (value) => QUANTITY.test(value), wanted: 'a quantity that is not negative, such as 100m or 128Mi' };

const RULES: Readonly<Record<string, Rule>> = {
  'traffic.sidecar.istio.io/includeInboundPorts': PORTS_OR_ALL,
  'traffic.sidecar.istio.io/excludeInboundPorts': PORTS,
  'traffic.sidecar.istio.io/includeOutboundPorts': PORTS_OR_ALL,
  'traffic.sidecar.istio.io/excludeOutboundPorts': PORTS,
  'traffic.sidecar.istio.io/includeOutboundIPRanges': RANGES_OR_ALL,
  'traffic.sidecar.istio.io/excludeOutboundIPRanges': RANGES,
  'traffic.sidecar.istio.io/excludeInterfaces': INTERFACES,
  'traffic.sidecar.istio.io/kubevirtInterfaces': INTERFACES,
  'istio.io/reroute-virtual-interfaces': INTERFACES,
  'sidecar.istio.io/proxyCPU': AMOUNT,
  'sidecar.istio.io/proxyCPULimit': AMOUNT,
  'sidecar.istio.io/proxyMemory': AMOUNT,
  'sidecar.istio.io/proxyMemoryLimit': AMOUNT,
  'sidecar.istio.io/nativeSidecar': FLAG,
  'sidecar.istio.io/rewriteAppHTTPProbers': FLAG,
  'sidecar.istio.io/logLevel': { allows: (value) => LOG_LEVELS.has(value), wanted: `one of ${[...LOG_LEVELS].join(', ')}` },
};

/** An issue for each annotation whose value is not what it must be. */
export function checkAnnotations(annotations: Readonly<Record<string, string>>): Issue[] {
  return Object.entries(RULES).flatMap(([name, { allows, wanted }]) => {
    const value = annotations[name];
    return value === undefined || allows(value) ? [] : [errorIssue(ANNOTATION_CODE, `metadata.annotations[${name}]`, `is ${JSON.stringify(value.slice(0, 100))}; it must be ${wanted}`)];
  });
}
