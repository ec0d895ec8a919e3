// Small protobuf values as plain ones: durations, percentages, address ranges, addresses, regular expressions.
import { RE2JS } from 're2js';
import type { Address, CidrRange } from '../../shared/xds/generated/envoy/config/core/v3/address.ts';
import type { DataSource, RuntimeFractionalPercent } from '../../shared/xds/generated/envoy/config/core/v3/base.ts';
import type { RegexMatcher } from '../../shared/xds/generated/envoy/type/matcher/v3/regex.ts';
import { FractionalPercent_DenominatorType, type FractionalPercent } from '../../shared/xds/generated/envoy/type/v3/percent.ts';
import type { Duration } from '../../shared/xds/generated/google/protobuf/duration.ts';
import { describeError } from '../../shared/lib/index.ts';
import { join, type Findings } from './findings.ts';
import type { AddressConfig } from './runtime-config.ts';

/** Milliseconds of `duration`, or `fallback` when there is none. */
export function milliseconds(duration: Duration | undefined, fallback: number): number {
  return duration ? (duration.seconds ?? 0) * 1000 + (duration.nanos ?? 0) / 1e6 : fallback;
}

/** Parts of a million, capped at all of it. */
export function perMillion(percent: FractionalPercent | undefined, fallback: number): number {
  if (!percent) return fallback;
  const factor = percent.denominator === FractionalPercent_DenominatorType.MILLION ? 1 : percent.denominator === FractionalPercent_DenominatorType.TEN_THOUSAND ? 100 : 10_000;
  return Math.min(1_000_000, (percent.numerator ?? 0) * factor);
}

/** Parts of a million of a runtime fraction: its default value, since there is no runtime here. */
export function runtimePerMillion(fraction: RuntimeFractionalPercent | undefined, fallback: number): number {
  return fraction ? perMillion(fraction.defaultValue, 0) : fallback;
}

/** An address range as `prefix/length`. */
export function cidr(range: CidrRange, path: string, findings: Findings): string {
  const prefix = range.addressPrefix ?? '';
  const version6 = prefix.includes(':');
  const length = range.prefixLen ?? 0;
  if (!isIpAddress(prefix)) findings.refuse(join(path, 'address_prefix'), `${JSON.stringify(prefix)} is not an IP address.`);
  if (length > (version6 ? 128 : 32)) findings.refuse(join(path, 'prefix_len'), `A prefix length of ${length} is too large.`);
  return `${prefix}/${length}`;
}

/** Whether `text` is an IPv4 or IPv6 address in plain form. */
export function isIpAddress(text: string): boolean {
  const quad = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (quad) return quad.slice(1).every((part) => Number(part) <= 255);
  return text.includes(':') && /^[0-9a-fA-F:]+(\d{1,3}(\.\d{1,3}){3})?$/.test(text) && text.split(':').length <= 9;
}

/** A socket address or the name of an internal listener. */
export function address(message: Address | undefined, path: string, findings: Findings): AddressConfig {
  const form = message?.address;
  if (form?.$case === 'socketAddress') {
    const { address: host = '', portSpecifier, protocol } = form.socketAddress;
    const port = portSpecifier?.$case === 'portValue' ? portSpecifier.portValue : -1;
    if (protocol === 1) findings.refuse(join(path, 'socket_address.protocol'), 'UDP is not supported by this proxy.');
    if (port < 0 || port > 65535) findings.refuse(join(path, 'socket_address.port_value'), 'A port number from 0 to 65535 is needed.');
    if (host === '') findings.refuse(join(path, 'socket_address.address'), 'An address is needed.');
    return { kind: 'socket', address: host, port };
  }
  if (form?.$case === 'envoyInternalAddress') {
    const name = form.envoyInternalAddress.addressNameSpecifier;
    if (name?.$case === 'serverListenerName' && name.serverListenerName !== '') return { kind: 'internal', listener: name.serverListenerName };
  }
  findings.refuse(path, 'A socket address or the name of an internal listener is needed.');
  return { kind: 'internal', listener: '' };
}

/** The source text of a regular expression that RE2 takes. */
export function regex(matcher: RegexMatcher | undefined, path: string, findings: Findings): string {
  const source = matcher?.regex ?? '';
  if (source === '') findings.refuse(join(path, 'regex'), 'A regular expression is needed.');
  try {
    RE2JS.compile(source);
  } catch (error) {
    findings.refuse(join(path, 'regex'), `RE2 does not take this regular expression: ${describeError(error)}.`);
  }
  return source;
}

/** The text of a data source that is part of the message. */
export function inlineText(source: DataSource | undefined, path: string, findings: Findings): string {
  const form = source?.specifier;
  if (!form) return '';
  if (form.$case === 'inlineString') return form.inlineString;
  if (form.$case === 'inlineBytes') return utf8(form.inlineBytes);
  findings.refuse(join(path, form.$case === 'filename' ? 'filename' : 'environment_variable'), 'Only inline data is supported here. Send the data in the message or by SDS.');
  return '';
}

/** UTF-8 decoding without a runtime's help. */
function utf8(bytes: Uint8Array): string {
  let escaped = '';
  for (const byte of bytes) escaped += `%${byte.toString(16).padStart(2, '0')}`;
  try {
    return decodeURIComponent(escaped);
  } catch (_notUtf8) {
    return String.fromCharCode(...bytes);
  }
}
