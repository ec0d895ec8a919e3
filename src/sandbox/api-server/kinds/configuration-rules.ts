// Defaults and validation of ConfigMaps, Secrets and LimitRanges.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { forbiddenField, invalidField, requiredField, type FieldError } from '../../schema/index.ts';
import type { KubeObject } from '../../store/index.ts';
import { describeError } from '../../../shared/lib/index.ts';
import type { KindRules } from './kind-rules.ts';

type Texts = Readonly<Record<string, string>>;

const CONFIG_KEY = /^[-._a-zA-Z0-9]+$/;
const SIZE_LIMIT = 1024 * 1024;

function validateKeys(object: KubeObject, fields: readonly string[]): FieldError[] {
  return fields.flatMap((field) => Object.keys(object[field] ?? {}).flatMap((key) => {
    const errors: FieldError[] = [];
    if (key === '..' || key === '.') errors.push(invalidField(`${field}[${key}]`, key, `must not be '${key}'`));
    if (!CONFIG_KEY.test(key)) errors.push(invalidField(`${field}[${key}]`, key, "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"));
    return errors;
  }));
}

/** What an object that is immutable may not have changed. */
function validateFixed(object: KubeObject, old: KubeObject | undefined, fields: readonly string[]): FieldError[] {
  if (old?.['immutable'] !== true) return [];
  const detail = 'field is immutable when `immutable` is set';
  const errors = object['immutable'] === true ? [] : [forbiddenField('immutable', detail)];
  for (const field of fields) if (JSON.stringify(object[field]) !== JSON.stringify(old[field])) errors.push(forbiddenField(field, detail));
  return errors;
}

const bytesIn = (encoded: string): number => Buffer.byteLength(encoded, 'base64');
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const tooLong = (path: string): FieldError => ({ reason: 'FieldValueTooLong', path, message: `Too long: may not be more than ${String(SIZE_LIMIT)} bytes` });

/** Rules of ConfigMaps. */
export const CONFIG_MAP_RULES: KindRules = {
  validate: (object, old) => {
    const { data = {}, binaryData = {} } = object as { data?: Texts; binaryData?: Texts };
    const errors = validateKeys(object, ['data', 'binaryData']);
    for (const key of Object.keys(data)) if (binaryData[key] !== undefined) errors.push(invalidField(`data[${key}]`, key, 'duplicate of key present in binaryData'));
    if (sum(Object.values(data).map((text) => Buffer.byteLength(text))) + sum(Object.values(binaryData).map(bytesIn)) > SIZE_LIMIT) errors.push(tooLong('[]'));
    return [...errors, ...validateFixed(object, old, ['data', 'binaryData'])];
  },
};

/** What a Secret of a type has to hold. */
function validateType(object: KubeObject): FieldError[] {
  const data = (object['data'] ?? {}) as Texts;
  const required = (...keys: string[]): FieldError[] => keys.filter((key) => data[key] === undefined).map((key) => requiredField(`data[${key}]`));
  switch (object['type']) {
    case 'kubernetes.io/service-account-token': return object.metadata.annotations?.['kubernetes.io/service-account.name'] ? [] : [requiredField('metadata.annotations[kubernetes.io/service-account.name]')];
    case 'kubernetes.io/tls': return required('tls.crt', 'tls.key');
    case 'kubernetes.io/ssh-auth': return required('ssh-privatekey');
    case 'kubernetes.io/basic-auth': return data['username'] === undefined && data['password'] === undefined ? required('username', 'password') : [];
    case 'kubernetes.io/dockerconfigjson': return [...required('.dockerconfigjson'), ...validateJson(data, '.dockerconfigjson')];
    case 'kubernetes.io/dockercfg': return [...required('.dockercfg'), ...validateJson(data, '.dockercfg')];
    default: return [];
  }
}

function validateJson(data: Texts, key: string): FieldError[] {
  const encoded = data[key];
  if (encoded === undefined) return [];
  try {
    JSON.parse(Buffer.from(encoded, 'base64').toString());
    return [];
  } catch (error) {
    return [invalidField(`data[${key}]`, '<secret contents redacted>', describeError(error))];
  }
}

/** Pairs of keys that no server could use are stored, with a remark. */
function warnOfPair(object: KubeObject): string[] {
  if (object['type'] !== 'kubernetes.io/tls') return [];
  const read = (key: string): string => Buffer.from(String(object['data']?.[key] ?? ''), 'base64').toString();
  const [certificate, key] = [read('tls.crt'), read('tls.key')];
  if (!certificate.includes('-----BEGIN CERTIFICATE-----')) return ['tls: failed to find any PEM data in certificate input'];
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(key)) return ['tls: failed to find any PEM data in key input'];
  try {
    return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key)) ? [] : ['tls: private key does not match public key'];
  } catch (error) {
    return [`tls: ${describeError(error)}`];
  }
}

/** Rules of Secrets. */
export const SECRET_RULES: KindRules = {
  applyDefaults: (object) => {
    const { stringData } = object;
    if (stringData) object['data'] = { ...object['data'], ...Object.fromEntries(Object.entries(stringData as Texts).map(([key, value]) => [key, Buffer.from(value).toString('base64')])) };
    delete object['stringData'];
  },
  validate: (object, old) => [
    ...validateKeys(object, ['data']),
    ...(sum(Object.values((object['data'] ?? {}) as Texts).map(bytesIn)) > SIZE_LIMIT ? [tooLong('data')] : []),
    ...(old && object['type'] !== old['type'] ? [invalidField('type', object['type'], 'field is immutable')] : []),
    ...validateFixed(object, old, ['data']),
    ...validateType(object),
  ],
  warn: warnOfPair,
};

interface Limit { type?: string; max?: Texts; min?: Texts; default?: Texts; defaultRequest?: Texts }

/** Rules of LimitRanges: what is given to containers follows from the bounds. */
export const LIMIT_RANGE_RULES: KindRules = {
  applyDefaults: (object) => {
    for (const limit of (object.spec?.limits ?? []) as Limit[]) {
      if (limit.type !== 'Container') continue;
      const limits = { ...limit.max, ...limit.default };
      const requests = { ...limit.min, ...limits, ...limit.defaultRequest };
      if (Object.keys(limits).length > 0) limit.default = limits;
      if (Object.keys(requests).length > 0) limit.defaultRequest = requests;
    }
  },
};
