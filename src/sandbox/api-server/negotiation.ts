// In which form a client wants the answer, by its Accept header: the object itself, a Table or only metadata, as JSON or YAML.
import { ApiStatusError } from './internal-client.ts';

/** The form of an answer. */
export interface AnswerForm {
  readonly kind: 'object' | 'table' | 'partial';
  /** Version of the Table or metadata kinds. */
  readonly version: string;
  readonly isYaml: boolean;
}

/** What is answered: each has forms of its own. */
export type AnswerOf = 'object' | 'list' | 'watch';

interface Clause { readonly type: string; readonly parameters: ReadonlyMap<string, string>; readonly quality: number }

const JSON_TYPE = 'application/json';
const YAML_TYPE = 'application/yaml';
const PROTOBUF_TYPE = 'application/vnd.kubernetes.protobuf';
const TYPES: readonly string[] = [JSON_TYPE, YAML_TYPE, PROTOBUF_TYPE, '*/*'];
const VERSIONS = ['v1', 'v1beta1'];

/** The first form of the header that can be had; undefined when there is none. */
export function negotiateForm(accept: string, answer: AnswerOf, isCustom = false): AnswerForm | undefined {
  if (accept === '') return { kind: 'object', version: 'v1', isYaml: false };
  for (const clause of parseAccept(accept)) {
    // Nobody has numbered the fields of a custom resource.
    if (isCustom && clause.type === PROTOBUF_TYPE) continue;
    const form = formOf(clause, answer);
    if (form) return form;
  }
  return undefined;
}

/** Why no form of the header can be had. */
export function refuseForm(accept: string, answer: AnswerOf, kind: string, isCustom = false): ApiStatusError {
  const clauses = parseAccept(accept);
  const known = clauses.filter(({ type }) => TYPES.includes(type));
  if (known.length === 0 && answer !== 'watch' && !isCustom) return new ApiStatusError(406, 'NotAcceptable', `406: Not Acceptable\n\nAvailable representations: ${TYPES.slice(0, 3).join(', ')}`, {});
  const as = known[0]?.parameters.get('as');
  if (as === 'PartialObjectMetadataList' && answer === 'object') return new ApiStatusError(406, 'NotAcceptable', `you requested PartialObjectMetadataList, but the requested object is not a list (*core.${kind})`);
  if (as === 'PartialObjectMetadata' && answer === 'list') return new ApiStatusError(406, 'NotAcceptable', `you requested PartialObjectMetadata, but the requested object is a list (*core.${kind}List)`);
  return new ApiStatusError(406, 'NotAcceptable', `only the following media types are accepted: ${TYPES.slice(0, 3).join(', ')}`);
}

/** Whether a client understands nothing but protobuf. */
export function takesOnlyProtobuf(accept: string): boolean {
  const known = parseAccept(accept).filter(({ type }) => TYPES.includes(type));
  return known.length > 0 && known.every(({ type }) => type === PROTOBUF_TYPE);
}

/** Whether an answer that has no forms is to be written as YAML: a Status, or a review. */
export function wantsYaml(accept: string): boolean {
  const first = parseAccept(accept).find(({ type }) => TYPES.includes(type));
  return first?.type === YAML_TYPE;
}

function parseAccept(accept: string): Clause[] {
  const clauses = accept.split(',').map((part): Clause => {
    const [type = '', ...rest] = part.split(';').map((text) => text.trim());
    const parameters = new Map(rest.map((text) => {
      const [name = '', value = ''] = text.split('=', 2);
      return [name, value];
    }));
    const quality = Number(parameters.get('q') ?? 1);
    parameters.delete('q');
    return { type, parameters, quality: Number.isNaN(quality) ? 1 : quality };
  });
  return clauses.sort((a, b) => b.quality - a.quality);
}

function formOf({ type, parameters }: Clause, answer: AnswerOf): AnswerForm | undefined {
  // What is asked for in protobuf alone is answered in JSON, which says so itself.
  if (!TYPES.includes(type)) return undefined;
  const isYaml = type === YAML_TYPE;
  if (answer === 'watch' && (isYaml || (parameters.get('stream') ?? 'watch') !== 'watch')) return undefined;
  const as = parameters.get('as');
  if (as === undefined) return { kind: 'object', version: 'v1', isYaml };
  const version = parameters.get('v') ?? '';
  if (parameters.get('g') !== 'meta.k8s.io' || !VERSIONS.includes(version)) return undefined;
  if (as === 'Table') return { kind: 'table', version, isYaml };
  return as === (answer === 'list' ? 'PartialObjectMetadataList' : 'PartialObjectMetadata') ? { kind: 'partial', version, isYaml } : undefined;
}
