// Access logs of connection managers and TCP proxies: file, stdout and stderr, text or JSON.
import type { AccessLog } from '../../shared/xds/generated/envoy/config/accesslog/v3/accesslog.ts';
import type { SubstitutionFormatString } from '../../shared/xds/generated/envoy/config/core/v3/substitution_format_string.ts';
import { FileAccessLog } from '../../shared/xds/generated/envoy/extensions/access_loggers/file/v3/file.ts';
import { StderrAccessLog, StdoutAccessLog } from '../../shared/xds/generated/envoy/extensions/access_loggers/stream/v3/stream.ts';
import type { AccessLogConfig } from './filter-config.ts';
import type { Findings } from './findings.ts';
import { typedConfig } from './typed-struct.ts';
import { inlineText } from './values.ts';

type Format = AccessLogConfig['format'];

/** Envoy's default line. */
export const ENVOY_DEFAULT_FORMAT = '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% %BYTES_RECEIVED% %BYTES_SENT% %DURATION% '
  + '%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%"\n';

/** The access logs that are written here; those of other kinds are listed and left out. */
export function accessLogs(messages: readonly AccessLog[] | undefined, path: string, findings: Findings): readonly AccessLogConfig[] {
  return (messages ?? []).flatMap((message, index) => {
    const at = `${path}[${index}]`;
    if (message.filter?.filterSpecifier) {
      findings.ignore(`${at}.filter`, 'Filters of access logs are not supported by this proxy; this log is not written.');
      return [];
    }
    return accessLog(message, `${at}.typed_config`, findings);
  });
}

function accessLog(message: AccessLog, path: string, findings: Findings): readonly AccessLogConfig[] {
  const { type, bytes } = typedConfig(message.configType?.typedConfig);
  switch (type) {
    case 'envoy.extensions.access_loggers.file.v3.FileAccessLog': {
      const log = FileAccessLog.decode(bytes);
      if ((log.path ?? '') === '') findings.refuse(`${path}.path`, 'A path is needed.');
      return [{ path: log.path ?? '', format: fileFormat(log, path, findings) }];
    }
    case 'envoy.extensions.access_loggers.stream.v3.StdoutAccessLog':
      return [{ path: '/dev/stdout', format: format(StdoutAccessLog.decode(bytes).accessLogFormat?.logFormat, path, findings) }];
    case 'envoy.extensions.access_loggers.stream.v3.StderrAccessLog':
      return [{ path: '/dev/stderr', format: format(StderrAccessLog.decode(bytes).accessLogFormat?.logFormat, path, findings) }];
    default:
      findings.ignore(path, `Access log ${JSON.stringify(type)} is not supported by this proxy and is not written.`);
      return [];
  }
}

function fileFormat(log: FileAccessLog, path: string, findings: Findings): Format {
  const form = log.accessLogFormat;
  switch (form?.$case) {
    case 'format': return { kind: 'text', text: form.format };
    case 'jsonFormat': return { kind: 'json', fields: form.jsonFormat ?? {} };
    case 'typedJsonFormat': return { kind: 'json', fields: form.typedJsonFormat ?? {} };
    default: return format(form?.logFormat, path, findings);
  }
}

function format(message: SubstitutionFormatString | undefined, path: string, findings: Findings): Format {
  if (message) findings.ignoreFields(message, `${path}.log_format`, ['omitEmptyValues', 'contentType', 'formatters', 'jsonFormatOptions']);
  const form = message?.format;
  switch (form?.$case) {
    case 'textFormat': return { kind: 'text', text: form.textFormat || ENVOY_DEFAULT_FORMAT };
    case 'jsonFormat': return { kind: 'json', fields: form.jsonFormat ?? {} };
    case 'textFormatSource': return { kind: 'text', text: inlineText(form.textFormatSource, `${path}.log_format.text_format_source`, findings) || ENVOY_DEFAULT_FORMAT };
    default: return { kind: 'text', text: ENVOY_DEFAULT_FORMAT };
  }
}
