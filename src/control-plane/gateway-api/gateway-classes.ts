// Creates the GatewayClasses that users of Istio expect to be there. Runs in the leader alone, whenever the kind is served.
import { GatewayClassType } from '../../shared/api/gateway-api/gateway-class.ts';
import { describeError } from '../../shared/lib/index.ts';
import { createLogger } from '../../shared/observability/index.ts';
import { KubeError, type KubeClient } from '../../shared/kube/index.ts';
import { CONTROLLER_NAME, GATEWAY_CLASS_NAMES } from '../../mesh/gateway-api/index.ts';
import type { GatewayApiTables } from '../ingest/index.ts';

const RETRY_MILLISECONDS = 10_000;
const log = createLogger('gateway-api');

/** Keeps our classes there until `signal` aborts. One that names another controller is left alone. */
export async function keepGatewayClasses(client: KubeClient, tables: GatewayApiTables, signal: AbortSignal): Promise<void> {
  const present = (): Promise<void> => createMissing(client, tables);
  const detach = [tables.types.subscribe(() => void present()), tables.stored.subscribe((keys) => {
    if ([...keys].some((key) => key.startsWith('GatewayClass/') && !tables.stored.has(key))) void present();
  })];
  const timer = setInterval(() => void present(), RETRY_MILLISECONDS);
  await present();
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  clearInterval(timer);
  for (const stop of detach) stop();
}

async function createMissing(client: KubeClient, tables: GatewayApiTables): Promise<void> {
  const served = tables.types.get('GatewayClass');
  if (!served) return;
  for (const name of GATEWAY_CLASS_NAMES) {
    if (tables.stored.has(`GatewayClass//${name}`)) continue;
    try {
      const object = { metadata: { name }, spec: { controllerName: CONTROLLER_NAME, description: 'Gateways served by the service mesh' } };
      await client.create({ ...GatewayClassType, version: served.version }, object as never, { fieldManager: CONTROLLER_NAME });
      log.info({ class: name }, 'GatewayClass created');
    } catch (error) {
      if (!(error instanceof KubeError && error.isAlreadyExists())) log.warn({ class: name, error: describeError(error) }, 'the GatewayClass could not be created; trying again');
    }
  }
}
