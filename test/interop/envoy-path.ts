// The Envoy that a test runs. Whether there is one is known before the ring starts (tools/test-interop.ts).
import { provideEnvoy } from '../../tools/peers/index.ts';

/** The binary's path; throws with the reason when there is none. */
export async function envoyPath(): Promise<string> {
  const envoy = await provideEnvoy();
  if (!envoy.found) throw new Error(envoy.reason);
  return envoy.path;
}
