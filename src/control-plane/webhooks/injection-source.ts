// The injection files in force: templates and values, the last good ones kept when new ones are broken.
import { formatIssue, type Issue } from '../../shared/lib/index.ts';
import { createLogger } from '../../shared/observability/index.ts';
import { parseInjectionConfig, parseInjectionValues, type InjectionConfig, type InjectOptions } from '../../mesh/inject/index.ts';

/** Holds templates and values. */
export class InjectionSource {
  readonly #log = createLogger('injection');
  #config: InjectionConfig | undefined;
  #values: InjectOptions['values'] = {};

  /** Templates and values; undefined until the templates have been read. */
  get current(): Pick<InjectOptions, 'config' | 'values'> | undefined {
    return this.#config ? { config: this.#config, values: this.#values } : undefined;
  }

  /** Takes the content of the file `config`. */
  takeConfig(content: string): void {
    const parsed = parseInjectionConfig(content);
    if (!parsed.ok) return this.#report('config', parsed.error);
    this.#config = parsed.value;
    this.#log.info({ templates: [...parsed.value.templates.keys()], policy: parsed.value.policy }, 'injection templates in force');
  }

  /** Takes the content of the file `values`. */
  takeValues(content: string): void {
    const parsed = parseInjectionValues(content);
    if (!parsed.ok) return this.#report('values', parsed.error);
    this.#values = parsed.value;
  }

  #report(file: string, issues: readonly Issue[]): void {
    this.#log.error({ file, issues: issues.map(formatIssue) }, 'the injection file is invalid; the one before stays in force');
  }
}
