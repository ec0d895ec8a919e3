// What a configuration of admission webhooks may say, with the refusals of the real server.
import { checkCondition, duplicateField, invalidField, requiredField, unsupportedField, type FieldError } from '../../schema/index.ts';
import { checkObjectName, validateLabels } from '../names.ts';
import type { WebhookClientConfig } from '../resource-info.ts';
import type { KindRules } from './kind-rules.ts';

type Fields = Record<string, unknown>;

const OPERATIONS = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE'];
const REVIEW_VERSIONS = ['v1', 'v1beta1'];
const SELECTOR_OPERATORS: ReadonlySet<unknown> = new Set(['In', 'NotIn', 'Exists', 'DoesNotExist']);

/** The rules of both kinds. */
export const WEBHOOK_RULES: KindRules = {
  generation: true,
  validate: (object) => {
    const names = new Set<unknown>();
    return ((object['webhooks'] ?? []) as Fields[]).flatMap((webhook, index) => {
      const path = `webhooks[${String(index)}]`;
      const twice = names.has(webhook['name']) ? [duplicateField(`${path}.name`, webhook['name'])] : [];
      names.add(webhook['name']);
      return [...validateWebhook(webhook, path), ...twice];
    });
  },
};

function validateWebhook(webhook: Fields, path: string): FieldError[] {
  const { name, rules, timeoutSeconds, clientConfig, matchConditions } = webhook;
  return [
    ...nameErrors(String(name ?? ''), `${path}.name`),
    ...((rules ?? []) as Fields[]).flatMap((rule, index) => ruleErrors(rule, `${path}.rules[${String(index)}]`)),
    ...choiceErrors(webhook, path),
    ...(timeoutSeconds !== undefined && (Number(timeoutSeconds) < 1 || Number(timeoutSeconds) > 30) ? [invalidField(`${path}.timeoutSeconds`, timeoutSeconds, 'the timeout value must be between 1 and 30 seconds')] : []),
    ...['namespaceSelector', 'objectSelector'].flatMap((field) => selectorErrors(webhook[field] as Fields | undefined, `${path}.${field}`)),
    ...clientConfigErrors((clientConfig ?? {}) as WebhookClientConfig, `${path}.clientConfig`),
    ...reviewVersionErrors((webhook['admissionReviewVersions'] ?? []) as string[], `${path}.admissionReviewVersions`),
    ...conditionErrors((matchConditions ?? []) as { name?: string; expression?: string }[], `${path}.matchConditions`),
  ];
}

function nameErrors(name: string, path: string): FieldError[] {
  const problem = checkObjectName('admissionregistration.k8s.io', 'validatingwebhookconfigurations', name);
  if (problem !== undefined) return [invalidField(path, name, problem)];
  return name.split('.').length < 3 ? [invalidField(path, name, 'should be a domain with at least three segments separated by dots')] : [];
}

function choiceErrors(webhook: Fields, path: string): FieldError[] {
  const choice = (field: string, options: readonly string[]): FieldError[] => (webhook[field] !== undefined && !options.includes(String(webhook[field])) ? [unsupportedField(`${path}.${field}`, webhook[field], options)] : []);
  return [
    ...choice('failurePolicy', ['Fail', 'Ignore']),
    ...choice('matchPolicy', ['Equivalent', 'Exact']),
    ...(webhook['sideEffects'] === undefined ? [requiredField(`${path}.sideEffects`, 'must specify one of None, NoneOnDryRun')] : choice('sideEffects', ['None', 'NoneOnDryRun'])),
    ...choice('reinvocationPolicy', ['IfNeeded', 'Never']),
  ];
}

function ruleErrors(rule: Fields, path: string): FieldError[] {
  const list = (field: string): string[] => (rule[field] ?? []) as string[];
  const alone = (field: string, what: string): FieldError[] => (list(field).length === 0 ? [requiredField(`${path}.${field}`)] : list(field).length > 1 && list(field).includes('*') ? [invalidField(`${path}.${field}`, list(field), `if '*' is present, must not specify other ${what}`)] : []);
  const scope = rule['scope'];
  return [
    ...alone('operations', 'operations'),
    ...list('operations').flatMap((operation, index) => (OPERATIONS.includes(operation) ? [] : [unsupportedField(`${path}.operations[${String(index)}]`, operation, OPERATIONS)])),
    ...alone('apiGroups', 'API groups'),
    ...alone('apiVersions', 'API versions'),
    ...resourceErrors(list('resources'), `${path}.resources`),
    ...(scope !== undefined && !['*', 'Cluster', 'Namespaced'].includes(String(scope)) ? [unsupportedField(`${path}.scope`, scope, ['*', 'Cluster', 'Namespaced'])] : []),
  ];
}

/** A pattern that covers another beside it is a mistake. */
function resourceErrors(resources: readonly string[], path: string): FieldError[] {
  if (resources.length === 0) return [requiredField(path)];
  const errors = resources.flatMap((resource, index) => {
    const [plural = '', sub] = resource.split('/', 2);
    const wider = resources.find((other) => other !== resource && sub !== undefined && (other === '*/*' || other === `${plural}/*` || other === `*/${sub}`));
    return wider === undefined ? [] : [invalidField(`${path}[${String(index)}]`, resource, `if '${wider}' is present, must not specify ${resource}`)];
  });
  if (resources.length > 1 && resources.includes('*/*')) errors.push(invalidField(path, resources, "if '*/*' is present, must not specify other resources"));
  if (resources.includes('*') && resources.some((resource) => resource !== '*' && !resource.includes('/'))) errors.push(invalidField(path, resources, "if '*' is present, must not specify other resources without subresources"));
  return errors;
}

function selectorErrors(selector: Fields | undefined, path: string): FieldError[] {
  const expressions = (selector?.['matchExpressions'] ?? []) as { operator?: string }[];
  return [
    ...validateLabels(selector?.['matchLabels'], `${path}.matchLabels`),
    ...expressions.flatMap(({ operator }, index) => (SELECTOR_OPERATORS.has(operator) ? [] : [invalidField(`${path}.matchExpressions[${String(index)}].operator`, operator, 'not a valid selector operator')])),
  ];
}

/** What is wrong with where a webhook is. */
export function clientConfigErrors({ url, service }: WebhookClientConfig, path: string): FieldError[] {
  if ((url === undefined) === (service === undefined)) return [requiredField(path, 'exactly one of url or service is required')];
  return url === undefined ? serviceErrors(service as NonNullable<WebhookClientConfig['service']>, `${path}.service`) : urlErrors(url, `${path}.url`);
}

const FORM = 'desired format: https://host[/path]';

function urlErrors(text: string, path: string): FieldError[] {
  const parsed = URL.parse(text);
  if (!parsed) return [requiredField(path, `url must be a valid URL: ${FORM}`)];
  const { protocol, host, username, password, search, hash } = parsed;
  return [
    ...(protocol === 'https:' ? [] : [invalidField(path, protocol.slice(0, -1), `'https' is the only allowed URL scheme; ${FORM}`)]),
    ...(host === '' ? [invalidField(path, '', `host must be specified; ${FORM}`)] : []),
    ...(username === '' && password === '' ? [] : [invalidField(path, password === '' ? username : `${username}:${password}`, 'user information is not permitted in the URL')]),
    ...(hash === '' ? [] : [invalidField(path, hash.slice(1), 'fragments are not permitted in the URL')]),
    ...(search === '' ? [] : [invalidField(path, search.slice(1), 'query parameters are not permitted in the URL')]),
  ];
}

function serviceErrors({ name, namespace, path: urlPath = '', port = 443 }: NonNullable<WebhookClientConfig['service']>, path: string): FieldError[] {
  return [
    ...(name === '' ? [requiredField(`${path}.name`)] : []),
    ...(namespace === '' ? [requiredField(`${path}.namespace`)] : []),
    ...(port < 1 || port > 65_535 ? [invalidField(`${path}.port`, port, 'port is not valid: must be between 1 and 65535, inclusive')] : []),
    ...pathErrors(urlPath, `${path}.path`),
  ];
}

function pathErrors(text: string, path: string): FieldError[] {
  if (text === '' || text === '/') return [];
  const errors = text.startsWith('/') ? [] : [invalidField(path, text, "must start with a '/'")];
  // The part before the first slash is none, and one slash may end the path.
  const steps = text.slice(1).replace(/\/$/, '').split('/');
  return [...errors, ...steps.flatMap((step, index) => (step === '' ? [invalidField(path, text, `segment[${String(index)}] may not be empty`)] : []))];
}

function reviewVersionErrors(versions: readonly string[], path: string): FieldError[] {
  if (versions.length === 0) return [requiredField(path, `must specify one of ${REVIEW_VERSIONS.join(', ')}`)];
  const twice = versions.flatMap((version, index) => (versions.indexOf(version) < index ? [invalidField(`${path}[${String(index)}]`, version, 'duplicate version')] : []));
  return versions.some((version) => REVIEW_VERSIONS.includes(version)) ? twice : [...twice, invalidField(path, versions, `must include at least one of ${REVIEW_VERSIONS.join(', ')}`)];
}

function conditionErrors(conditions: readonly { readonly name?: string; readonly expression?: string }[], path: string): FieldError[] {
  return conditions.flatMap(({ name = '', expression = '' }, index) => {
    const at = `${path}[${String(index)}]`;
    const problem = expression.trim() === '' ? undefined : checkCondition(expression);
    const isTwice = name !== '' && conditions.findIndex((other) => other.name === name) < index;
    return [
      ...(expression.trim() === '' ? [requiredField(`${at}.expression`)] : problem === undefined ? [] : [invalidField(`${at}.expression`, expression, problem)]),
      ...(name === '' ? [requiredField(`${at}.name`)] : []),
      // A name of a condition is made like the key of a label.
      ...(name === '' || isTwice ? [] : validateLabels({ [name]: '' }, `${at}.name`)),
      ...(isTwice ? [duplicateField(`${at}.name`, name)] : []),
    ];
  });
}
