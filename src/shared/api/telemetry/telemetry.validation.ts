// The webhook's semantic checks of Telemetry: what a schema can not say.
import type { Issue } from '../../lib/index.ts';
import { checkDuration, checkPercent, Findings } from '../networking/validation-rules.ts';
import { checkPolicyTargets } from '../policy-targets.ts';
import type { Telemetry } from './telemetry.ts';

/** What is wrong with `object`; an error keeps it out. */
export function validateTelemetry(object: Telemetry): Issue[] {
  const findings = new Findings();
  const { tracing, metrics } = object.spec;
  checkPolicyTargets(object, false, findings);
  object.spec.accessLogging?.forEach((entry, index) => findings.withoutEffect(entry, ['filter'], `spec.accessLogging[${index}]`));
  tracing?.forEach((entry, index) => {
    const path = `spec.tracing[${index}]`;
    findings.withoutEffect(entry, ['useRequestIdForTraceSampling', 'enableIstioTags', 'disableContextPropagation'], path);
    if ((entry.providers?.length ?? 0) > 1) findings.error(`${path}.providers`, 'Spans can go to one provider only. Keep one.');
    checkPercent(entry.randomSamplingPercentage, `${path}.randomSamplingPercentage`, findings);
    for (const [name, tag] of Object.entries(entry.customTags ?? {})) {
      findings.withoutEffect(tag, ['formatter'], `${path}.customTags.${name}`);
      if ([tag.literal, tag.environment, tag.header, tag.formatter].filter(Boolean).length !== 1) findings.error(`${path}.customTags.${name}`, 'Give exactly one of literal, environment, header and formatter.');
    }
  });
  metrics?.forEach((entry, index) => {
    checkDuration(entry.reportingInterval, `spec.metrics[${index}].reportingInterval`, findings);
    findings.withoutEffect(entry, ['overrides', 'reportingInterval'], `spec.metrics[${index}]`);
    entry.overrides?.forEach((override, position) => {
      for (const [name, tag] of Object.entries(override.tagOverrides ?? {})) {
        const path = `spec.metrics[${index}].overrides[${position}].tagOverrides.${name}`;
        if ((tag.operation ?? 'UPSERT') === 'UPSERT' && !tag.value) findings.error(`${path}.value`, 'UPSERT needs a value.');
        if (tag.operation === 'REMOVE' && tag.value) findings.error(`${path}.value`, 'REMOVE takes no value. Remove it.');
      }
    });
  });
  return findings.issues;
}
