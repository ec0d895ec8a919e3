// Serves the admission webhooks over HTTPS, by every replica, whichever leads, with a certificate that the operator makes itself.
import { HttpServer } from '../shared/http/index.ts';
import type { KubeClient } from '../shared/kube/index.ts';
import { createLogger } from '../shared/observability/index.ts';
import { admissionRoutes } from './admission/index.ts';
import type { VersionRegistry } from './versions/index.ts';
import { issueWebhookIdentity, loadWebhookAuthority, publishAuthority } from './webhook-certificate.ts';

/** What the webhooks need. */
export interface AdmissionOptions {
  readonly client: KubeClient;
  readonly registry: VersionRegistry;
  readonly operatorNamespace: string;
  readonly serviceName: string;
  readonly port: number;
  readonly host?: string;
  /** Keep caBundle in the webhook configurations; false where OLM does. */
  readonly manageConfigurations: boolean;
}

/** The webhooks, ready to be started. */
export interface Admission {
  readonly components: readonly { readonly name: string; start(signal: AbortSignal): Promise<void>; stop(): Promise<void> }[];
  /** The port they are served on, once started. */
  port(): number;
  /** Why they do not serve yet. */
  problem(): string | undefined;
}

const log = createLogger('admission');
/** The certificate is made anew this often: far before it expires. */
const RENEWAL_MILLISECONDS = 24 * 3_600_000;
const PUBLISH_MILLISECONDS = 60_000;

/** Builds the webhooks' server with its certificate. */
export function createAdmission(options: AdmissionOptions): Admission {
  const { client, operatorNamespace, serviceName, port, host } = options;
  let server: HttpServer | undefined;
  let problem: string | undefined = 'the webhooks do not serve yet';
  const timers: NodeJS.Timeout[] = [];

  async function publish(authority: Awaited<ReturnType<typeof loadWebhookAuthority>>): Promise<void> {
    if (options.manageConfigurations && await publishAuthority(client, authority, operatorNamespace)) log.warn({}, 'the webhook configurations are not installed: objects are not validated when they are written');
  }

  function repeat(milliseconds: number, task: () => Promise<void>): void {
    timers.push(setInterval(() => void task().catch((error: unknown) => log.error({ error: String(error) }, 'keeping the webhook certificate failed')), milliseconds));
  }

  async function start(signal: AbortSignal): Promise<void> {
    const authority = await loadWebhookAuthority(client, operatorNamespace);
    server = new HttpServer({ name: 'admission', port, ...(host ? { host } : {}), routes: admissionRoutes(options, serviceName), identity: await issueWebhookIdentity(authority, serviceName, operatorNamespace) });
    await server.start(signal);
    await publish(authority);
    repeat(RENEWAL_MILLISECONDS, async () => server?.setIdentity(await issueWebhookIdentity(authority, serviceName, operatorNamespace)));
    repeat(PUBLISH_MILLISECONDS, () => publish(authority));
    problem = undefined;
  }

  async function stop(): Promise<void> {
    for (const timer of timers.splice(0)) clearInterval(timer);
    await server?.stop();
  }

  return { components: [{ name: 'admission', start, stop }], port: () => server?.port ?? port, problem: () => problem };
}
