// Checks that many kinds share: hosts, ports, durations, percentages, weights, visibility. Each adds to a list of issues.
import { errorIssue, type Issue, parseDuration, warningIssue } from '../../lib/index.ts';

/** Code of every error that makes an object invalid. */
export const INVALID = 'MESH_INVALID';

/**
 * Code of what this version does not enforce. The rule for every validator: a field that narrows or denies and is not enforced is an error,
 * since whoever wrote it relies on it; any other field without effect is a warning, so that existing objects still apply.
 */
export const NOT_ENFORCED = 'MESH_NOT_ENFORCED';

const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/i;
const ADDRESS = /^(\d{1,3}\.){3}\d{1,3}$/;

/** Collects issues under dotted paths. */
export class Findings {
  readonly issues: Issue[] = [];

  error(path: string, message: string): void {
    this.issues.push(errorIssue(INVALID, path, message));
  }

  warning(path: string, message: string): void {
    this.issues.push(warningIssue(INVALID, path, message));
  }

  /** A field that would have narrowed or denied something, and does not. */
  notEnforced(path: string, message: string): void {
    this.issues.push(errorIssue(NOT_ENFORCED, path, message));
  }

  /** Fields of `value` that are given and have no effect, without harm. */
  withoutEffect<T extends object>(value: T | undefined, fields: readonly (keyof T & string)[], path: string): void {
    for (const field of fields) if (value?.[field] !== undefined) this.issues.push(warningIssue(NOT_ENFORCED, `${path}.${field}`, `${field} has no effect in this version. Remove it, or do not rely on it.`));
  }
}

/** A fully qualified name, a short name, or with a wildcard as its first label. */
export function isHost(host: string): boolean {
  if (host === '*') return true;
  const rest = host.startsWith('*.') ? host.slice(2) : host;
  return rest.length > 0 && rest.length <= 253 && rest.replace(/\.$/, '').split('.').every((label) => LABEL.test(label));
}

/** Whether `text` is an IPv4 or IPv6 address. */
export function isAddress(text: string): boolean {
  if (ADDRESS.test(text)) return text.split('.').every((part) => Number(part) <= 255);
  return text.includes(':') && /^[0-9a-f:.]+$/i.test(text) && (text.match(/::/g) ?? []).length <= 1 && text.split(':').length <= 8;
}

/** Whether `text` is an address or a block in CIDR form. */
export function isAddressOrBlock(text: string): boolean {
  const [address = '', length, ...more] = text.split('/');
  if (more.length > 0 || !isAddress(address)) return false;
  return length === undefined || (/^\d{1,3}$/.test(length) && Number(length) <= (address.includes(':') ? 128 : 32));
}

/** A host of the registry. */
export function checkHost(host: string, path: string, findings: Findings, options: { readonly wildcard: boolean; readonly address?: boolean } = { wildcard: true }): void {
  if (host === '') findings.error(path, 'The host is empty. Give a DNS name.');
  else if (isAddress(host) && !options.address && !/[a-z]/i.test(host)) findings.error(path, `The host ${host} is an IP address. Give a DNS name.`);
  else if (!isHost(host) && !isAddress(host)) findings.error(path, `The host ${JSON.stringify(host)} is not a DNS name. Use letters, digits, dashes and dots, with a wildcard only as the first label.`);
  else if (!options.wildcard && host.includes('*')) findings.error(path, `The host ${host} has a wildcard, which is not allowed here. Give a full name.`);
}

/** A port number. */
export function checkPort(port: number | undefined, path: string, findings: Findings): void {
  if (port === undefined || !Number.isInteger(port) || port < 1 || port > 65535) findings.error(path, `The port ${port ?? '(none)'} is out of range. Use 1 to 65535.`);
}

/** A duration of at least a millisecond; `zero` allows none at all. */
export function checkDuration(text: string | undefined, path: string, findings: Findings, zero = false): void {
  if (text === undefined) return;
  const value = parseDuration(text);
  if (value === undefined) findings.error(path, `${JSON.stringify(text)} is not a duration. Write for example 1.5s or 500ms.`);
  else if (value === 0 && zero) return;
  else if (value < 1 || !Number.isInteger(Math.round(value * 1000) / 1000)) findings.error(path, `The duration ${text} must be whole milliseconds and at least 1ms.`);
}

/** A percentage. */
export function checkPercent(value: number | undefined, path: string, findings: Findings): void {
  if (value !== undefined && !(value >= 0 && value <= 100)) findings.error(path, `The percentage ${value} is out of range. Use 0 to 100.`);
}

/** A number that may not be negative. */
export function checkNotNegative(value: number | undefined, path: string, findings: Findings): void {
  if (value !== undefined && value < 0) findings.error(path, `The value ${value} is negative. Use 0 or more.`);
}

/** Weights of destinations: none negative, and with several at least one above zero. */
export function checkWeights(weights: readonly (number | undefined)[], path: string, findings: Findings): void {
  weights.forEach((weight, index) => {
    if (weight !== undefined && weight < 0) findings.error(`${path}[${index}].weight`, `The weight ${weight} is negative. Use 0 or more.`);
  });
  if (weights.length > 1 && weights.reduce<number>((sum, weight) => sum + Math.max(0, weight ?? 0), 0) === 0) findings.error(path, 'The weights add up to 0. Give at least one destination a weight above 0.');
}

/** Namespaces that see an object. */
export function checkExportTo(exportTo: readonly string[] | undefined, namespace: string | undefined, findings: Findings): void {
  const targets = exportTo ?? [];
  const seen = new Set<string>();
  targets.forEach((target, index) => {
    const path = `spec.exportTo[${index}]`;
    if (!['*', '.', '~'].includes(target) && !LABEL.test(target)) findings.error(path, `${JSON.stringify(target)} is neither ".", "*", "~" nor a namespace.`);
    if (seen.has(target)) findings.error(path, `${target} is given twice. Remove one.`);
    seen.add(target);
  });
  if ((seen.has('*') || seen.has('~')) && targets.length > 1) findings.error('spec.exportTo', 'With "*" or "~" no other namespace can be given. Remove the others.');
  if (namespace !== undefined && seen.has('.') && seen.has(namespace)) findings.error('spec.exportTo', `"." and ${namespace} are the same. Remove one.`);
}

/** A regular expression in RE2's syntax as far as it can be told here: no look-around, no back-references, not too long. */
export function checkRegex(regex: string, path: string, findings: Findings): void {
  if (regex.length > 1024) return findings.error(path, 'The regular expression is longer than 1024 characters. Shorten it.');
  if (/\(\?(?:=|!|<=|<!)/.test(regex) || /\\[1-9]/.test(regex)) return findings.error(path, 'The regular expression uses look-around or back-references, which RE2 does not have.');
  try {
    new RegExp(regex.replaceAll(/\(\?P</g, '(?<').replace(/^\(\?[imsU]+\)/, ''));
  } catch {
    findings.error(path, `${JSON.stringify(regex)} is not a regular expression. Correct its brackets and quantifiers.`);
  }
}

/** Labels that select workloads. */
export function checkLabels(labels: Readonly<Record<string, string>> | undefined, path: string, findings: Findings): void {
  for (const [key, value] of Object.entries(labels ?? {})) {
    if (key === '') findings.error(path, 'A label key is empty.');
    if (value.includes('*')) findings.error(`${path}.${key}`, 'Wildcards are not allowed in label values. Give the whole value.');
    else if (!/^([a-z0-9]([-_.a-z0-9]{0,61}[a-z0-9])?)?$/i.test(value)) findings.error(`${path}.${key}`, `${JSON.stringify(value)} is not a label value.`);
  }
}
