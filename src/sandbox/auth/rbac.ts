// Role-based access control, evaluated on the Roles and bindings in the store. Follows the RBAC authorizer of Kubernetes,
// including its guard against escalation.
import type { KubeObject, Store } from '../store/index.ts';
import type { User } from './user.ts';

/** What somebody wants to do. */
export interface AccessRequest {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
  /** Set for requests that are not about a resource. */
  readonly path?: string;
}

/** One rule of a Role or ClusterRole. */
export interface PolicyRule {
  readonly verbs: readonly string[];
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
}

/** A rule and the namespace that it holds in; undefined for everywhere. */
export interface GrantedRule {
  readonly rule: PolicyRule;
  readonly namespace: string | undefined;
  /** Which binding grants it to whom, in the words of an access review. */
  readonly by: string;
}

interface Subject { readonly kind: string; readonly name: string; readonly namespace?: string }

const GROUP = 'rbac.authorization.k8s.io';
const MASTERS = 'system:masters';
const ALL: PolicyRule = { verbs: ['*'], apiGroups: ['*'], resources: ['*'] };
const ALL_PATHS: PolicyRule = { verbs: ['*'], nonResourceURLs: ['*'] };

/** Answers whether a user may do something. */
export class RbacAuthorizer {
  readonly #store: Store;
  readonly #cache = new Map<string, GrantedRule[]>();

  constructor(store: Store) {
    this.#store = store;
    for (const resource of ['roles', 'clusterroles', 'rolebindings', 'clusterrolebindings']) store.subscribe(`${GROUP}/${resource}`, () => { this.#cache.clear(); });
  }

  /** Whether `user` may do `request`. */
  allows(user: User, request: AccessRequest): boolean {
    return this.reasonFor(user, request) !== undefined;
  }

  /** Why `user` may do `request`: by which binding; undefined when he may not, empty for masters, whom nobody asks. */
  reasonFor(user: User, request: AccessRequest): string | undefined {
    if (user.groups.includes(MASTERS)) return '';
    const granted = this.rulesFor(user).find(({ rule, namespace }) => (namespace === undefined || namespace === request.namespace) && ruleAllows(rule, request, namespace === undefined));
    return granted && `RBAC: allowed by ${granted.by}`;
  }

  /** Every rule that `user` holds. */
  rulesFor(user: User): readonly GrantedRule[] {
    const key = `${user.name}\n${user.groups.join('\n')}`;
    let rules = this.#cache.get(key);
    if (!rules) {
      if (this.#cache.size > 1000) this.#cache.clear();
      const all = user.groups.includes(MASTERS) ? [{ rule: ALL, namespace: undefined, by: '' }, { rule: ALL_PATHS, namespace: undefined, by: '' }] : [];
      rules = [...all, ...this.#collect(user).filter(({ rule }) => all.length === 0 || !isEverything(rule))];
      this.#cache.set(key, rules);
    }
    return rules;
  }

  /** Rules of a role that a binding refers to; undefined when there is no such role. */
  rulesOfRole(kind: string, namespace: string | undefined, name: string): readonly PolicyRule[] | undefined {
    const role = kind === 'ClusterRole' ? this.#store.get(`${GROUP}/clusterroles`, undefined, name) : this.#store.get(`${GROUP}/roles`, namespace, name);
    return role ? rulesOf(role) : undefined;
  }

  /** The parts of `rules` that `user` does not hold in `namespace`, each as a rule of one verb and one resource. */
  missingRules(user: User, rules: readonly PolicyRule[], namespace: string | undefined): PolicyRule[] {
    const held = this.rulesFor(user).filter((granted) => granted.namespace === undefined || granted.namespace === namespace).map((granted) => granted.rule);
    return rules.flatMap(splitRule).filter((wanted) => !held.some((rule) => ruleCovers(rule, wanted)));
  }

  #collect(user: User): GrantedRule[] {
    const granted: GrantedRule[] = [];
    const add = (binding: KubeObject, namespace: string | undefined): void => {
      const subject = ((binding['subjects'] ?? []) as Subject[]).find((candidate) => namesUser(candidate, user, namespace));
      if (!subject) return;
      const ref = binding['roleRef'] as { kind: string; name: string };
      for (const rule of this.rulesOfRole(ref.kind, namespace, ref.name) ?? []) granted.push({ rule, namespace, by: describeGrant(binding, ref, subject) });
    };
    for (const binding of this.#store.list(`${GROUP}/clusterrolebindings`)) add(binding, undefined);
    for (const binding of this.#store.list(`${GROUP}/rolebindings`)) add(binding, binding.metadata.namespace ?? '');
    return granted;
  }
}

/** What masters have anyhow. */
function isEverything({ verbs, apiGroups = [], resources = [], nonResourceURLs = [] }: PolicyRule): boolean {
  return verbs.includes('*') && ((apiGroups.includes('*') && resources.includes('*')) || nonResourceURLs.includes('*'));
}

function describeGrant({ kind, metadata }: KubeObject, role: { kind: string; name: string }, subject: Subject): string {
  const binding = metadata.namespace === undefined ? metadata.name : `${metadata.name}/${metadata.namespace}`;
  const whom = subject.kind === 'ServiceAccount' ? `${subject.name}/${subject.namespace ?? metadata.namespace ?? ''}` : subject.name;
  return `${kind} ${JSON.stringify(binding)} of ${role.kind} ${JSON.stringify(role.name)} to ${subject.kind} ${JSON.stringify(whom)}`;
}

function rulesOf(role: KubeObject): PolicyRule[] {
  return (role['rules'] ?? []) as PolicyRule[];
}

function namesUser(subject: Subject, user: User, namespace: string | undefined): boolean {
  switch (subject.kind) {
    case 'User': return subject.name === user.name || subject.name === '*';
    case 'Group': return user.groups.includes(subject.name);
    case 'ServiceAccount': return user.name === `system:serviceaccount:${subject.namespace ?? namespace ?? ''}:${subject.name}`;
    default: return false;
  }
}

/** Whether one rule allows a request; paths can only be granted cluster-wide. */
export function ruleAllows(rule: PolicyRule, request: AccessRequest, clusterWide = true): boolean {
  if (!includes(rule.verbs, request.verb)) return false;
  if (request.path !== undefined) return clusterWide && (rule.nonResourceURLs ?? []).some((pattern) => matchesPath(pattern, request.path ?? ''));
  if (!includes(rule.apiGroups, request.group)) return false;
  const wanted = request.subresource ? `${request.resource}/${request.subresource}` : request.resource;
  const resources = rule.resources ?? [];
  const matches = resources.includes('*') || resources.includes(wanted) || (request.subresource !== undefined && resources.includes(`*/${request.subresource}`));
  if (!matches) return false;
  return (rule.resourceNames ?? []).length === 0 || (request.name !== undefined && (rule.resourceNames ?? []).includes(request.name));
}

function includes(list: readonly string[] | undefined, value: string): boolean {
  return list?.includes('*') === true || list?.includes(value) === true;
}

function matchesPath(pattern: string, path: string): boolean {
  return pattern === '*' || pattern === path || (pattern.endsWith('*') && path.startsWith(pattern.slice(0, -1)));
}

/** A rule as many rules of one verb, group, resource and name each. */
function splitRule(rule: PolicyRule): PolicyRule[] {
  return rule.verbs.flatMap((verb) => [
    ...(rule.nonResourceURLs ?? []).map((url) => ({ verbs: [verb], nonResourceURLs: [url] })),
    ...(rule.apiGroups ?? []).flatMap((group) => (rule.resources ?? []).flatMap((resource) => splitNames({ verbs: [verb], apiGroups: [group], resources: [resource] }, rule.resourceNames))),
  ]);
}

function splitNames(rule: PolicyRule, names: readonly string[] = []): PolicyRule[] {
  return names.length === 0 ? [rule] : names.map((name) => ({ ...rule, resourceNames: [name] }));
}

/** Whether `held` grants all of `wanted`, a rule of one verb and one resource or path. */
function ruleCovers(held: PolicyRule, wanted: PolicyRule): boolean {
  if (!includes(held.verbs, wanted.verbs[0] ?? '')) return false;
  const url = wanted.nonResourceURLs?.[0];
  if (url !== undefined) return (held.nonResourceURLs ?? []).some((pattern) => matchesPath(pattern, url));
  const resource = wanted.resources?.[0] ?? '';
  const [, subresource] = resource.split('/', 2);
  if (!includes(held.apiGroups, wanted.apiGroups?.[0] ?? '')) return false;
  if (!includes(held.resources, resource) && !(subresource !== undefined && held.resources?.includes(`*/${subresource}`) === true)) return false;
  const name = wanted.resourceNames?.[0];
  return (held.resourceNames ?? []).length === 0 || (name !== undefined && held.resourceNames?.includes(name) === true);
}
