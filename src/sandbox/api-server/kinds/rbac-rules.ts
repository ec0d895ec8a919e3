// Defaults and validation of roles and of what binds them.
import { invalidField, requiredField, unsupportedField, type FieldError } from '../../schema/index.ts';
import type { KubeObject } from '../../store/index.ts';
import { checkObjectName } from '../names.ts';
import type { KindRules } from './kind-rules.ts';
import { validateSelector, type Selector } from './selector-rules.ts';

const GROUP = 'rbac.authorization.k8s.io';

type Rule = Readonly<Record<string, readonly string[] | null | undefined>>;

function validateRule(rule: Rule, path: string, isNamespaced: boolean): FieldError[] {
  const has = (field: string): boolean => (rule[field] ?? []).length > 0;
  const errors: FieldError[] = [];
  if (!has('verbs')) errors.push(requiredField(`${path}.verbs`, 'verbs must contain at least one value'));
  if (has('nonResourceURLs')) {
    if (isNamespaced) errors.push(invalidField(`${path}.nonResourceURLs`, rule['nonResourceURLs'], 'namespaced rules cannot apply to non-resource URLs'));
    if (has('apiGroups') || has('resources') || has('resourceNames')) errors.push(invalidField(`${path}.nonResourceURLs`, rule['nonResourceURLs'], 'rules cannot apply to both regular resources and non-resource URLs'));
    return errors;
  }
  if (!has('apiGroups')) errors.push(requiredField(`${path}.apiGroups`, 'resource rules must supply at least one api group'));
  if (!has('resources')) errors.push(requiredField(`${path}.resources`, 'resource rules must supply at least one resource'));
  return errors;
}

/** Rules of Roles and ClusterRoles. */
export const ROLE_RULES: KindRules = {
  validate: (object) => {
    const selectors = (object['aggregationRule']?.clusterRoleSelectors ?? []) as Selector[];
    return [
      ...((object['rules'] ?? []) as Rule[]).flatMap((rule, index) => validateRule(rule, `rules[${String(index)}]`, object.kind === 'Role')),
      ...(object['aggregationRule'] && selectors.length === 0 ? [requiredField('aggregationRule.clusterRoleSelectors', 'at least one clusterRoleSelector required if aggregationRule is non-nil')] : []),
      ...selectors.flatMap((selector, index) => validateSelector(selector, `aggregationRule.clusterRoleSelectors[${String(index)}]`)),
    ];
  },
};

interface Subject { kind?: string; apiGroup?: string; name?: string; namespace?: string }

function validateSubject({ kind = '', apiGroup = '', name = '', namespace = '' }: Subject, path: string, isNamespaced: boolean): FieldError[] {
  const errors: FieldError[] = [];
  if (name === '') errors.push(requiredField(`${path}.name`));
  if (kind === 'User' || kind === 'Group') return apiGroup === GROUP ? errors : [...errors, unsupportedField(`${path}.apiGroup`, apiGroup, [GROUP])];
  if (kind !== 'ServiceAccount') return [...errors, unsupportedField(`${path}.kind`, kind, ['ServiceAccount', 'User', 'Group'])];
  const problem = name === '' ? undefined : checkObjectName('', 'serviceaccounts', name);
  if (problem !== undefined) errors.push(invalidField(`${path}.name`, name, problem));
  if (apiGroup !== '') errors.push(unsupportedField(`${path}.apiGroup`, apiGroup, ['']));
  return isNamespaced || namespace !== '' ? errors : [...errors, requiredField(`${path}.namespace`)];
}

function validateRef(object: KubeObject, old: KubeObject | undefined): FieldError[] {
  const { apiGroup, kind, name } = object['roleRef'] as { apiGroup: string; kind: string; name: string };
  const errors: FieldError[] = [];
  if (old && JSON.stringify(object['roleRef']) !== JSON.stringify(old['roleRef'])) errors.push(invalidField('roleRef', { APIGroup: apiGroup, Kind: kind, Name: name }, 'cannot change roleRef'));
  if (apiGroup !== GROUP) errors.push(unsupportedField('roleRef.apiGroup', apiGroup, [GROUP]));
  const kinds = object.kind === 'RoleBinding' ? ['Role', 'ClusterRole'] : ['ClusterRole'];
  if (!kinds.includes(kind)) errors.push(unsupportedField('roleRef.kind', kind, kinds));
  if (name === '') return [...errors, requiredField('roleRef.name')];
  const problem = checkObjectName(GROUP, 'roles', name);
  return problem === undefined ? errors : [...errors, invalidField('roleRef.name', name, problem)];
}

/** Rules of RoleBindings and ClusterRoleBindings. */
export const BINDING_RULES: KindRules = {
  applyDefaults: (object) => {
    if (object['roleRef']) object['roleRef'].apiGroup ||= GROUP;
    for (const subject of (object['subjects'] ?? []) as Subject[]) if (subject.kind === 'User' || subject.kind === 'Group') subject.apiGroup ??= GROUP;
  },
  validate: (object, old) => [
    ...validateRef(object, old),
    ...((object['subjects'] ?? []) as Subject[]).flatMap((subject, index) => validateSubject(subject, `subjects[${String(index)}]`, object.kind === 'RoleBinding')),
  ],
};
