// What a mesh configuration asks for and does not get: unknown fields, and known ones without effect in this version. Such a configuration is in force all the
// same, since without it the mesh would have none; whoever reads it says so.
import { errorIssue, warningIssue, type Issue } from '../../lib/index.ts';
import { NOT_ENFORCED } from '../networking/validation-rules.ts';
import { unknownFields } from '../unknown-fields.ts';
import { MeshConfig } from './mesh-config.ts';

/** Fields that would narrow what the mesh does or lets in, and what to do instead. */
const NARROWING: Readonly<Record<string, string>> = {
  discoverySelectors: 'The member roll alone decides which namespaces the mesh reads. Take namespaces out of it instead.',
  'meshMTLS.ecdhCurves': 'The curves of mesh TLS are the runtime\'s. Use meshMTLS.minProtocolVersion and cipherSuites to narrow it.',
  tlsDefaults: 'TLS outside the mesh is set by Gateways and DestinationRules. Set it there.',
};

/** Fields of the schema that nothing reads, each with the values that ask for nothing else than what is done anyway. */
const UNREAD: readonly (readonly [path: string, harmless: readonly unknown[]])[] = [
  ['inboundTrafficPolicy.mode', ['PASSTHROUGH']],
  ['ingressControllerMode', ['OFF']],
  ['defaultConfig.gatewayTopology.forwardClientCertDetails', []],
  ['defaultConfig.runtimeValues', []],
  ['defaultConfig.statNameLength', [189]],
];

const UNREAD_PROVIDERS: readonly (readonly [field: string, consequence: string])[] = [
  ['opentelemetry', 'Spans are not sent by OTLP. Use a zipkin provider, which most collectors take.'],
];

/** What `data`, a mesh configuration that parses, asks for in vain. */
export function validateMeshConfig(data: unknown): Issue[] {
  return [
    ...unknownFields(MeshConfig, data, '').map((path) => unknownField(path.slice(1))),
    ...UNREAD.filter(([path, harmless]) => asksFor(fieldAt(data, path), harmless)).map(([path]) => warningIssue(NOT_ENFORCED, path, 'The field has no effect in this version. Remove it, or do not rely on it.')),
    ...providerIssues(fieldAt(data, 'extensionProviders')),
  ];
}

function unknownField(path: string): Issue {
  const advice = NARROWING[path];
  if (advice !== undefined) return errorIssue(NOT_ENFORCED, path, `The field is not enforced by this version. ${advice}`);
  return warningIssue('MESH_UNKNOWN_FIELD', path, 'The field is not known and has no effect. Check its spelling, or remove it.');
}

function asksFor(value: unknown, harmless: readonly unknown[]): boolean {
  if (value === undefined || value === null || harmless.includes(value)) return false;
  return typeof value !== 'object' || Object.keys(value).length > 0;
}

function fieldAt(data: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((value, name) => (typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined), data);
}

function providerIssues(providers: unknown): Issue[] {
  if (!Array.isArray(providers)) return [];
  return providers.flatMap((provider: unknown, index) => UNREAD_PROVIDERS.filter(([field]) => fieldAt(provider, field) !== undefined).map(([field, consequence]) => warningIssue(NOT_ENFORCED, `extensionProviders[${index}].${field}`, consequence)));
}
