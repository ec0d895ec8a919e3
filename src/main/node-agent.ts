// The DaemonSet's program, and with the first argument `istio-iptables` the init container's.
import { fileURLToPath } from 'node:url';
import { captureOwnNamespace, createNodeAgent } from '../node-agent/index.ts';
import { usePino } from '../shared/observability/pino-sink.ts';
import { runProgram } from '../shared/process/index.ts';
import { describeError } from '../shared/lib/index.ts';

usePino();

const args = process.argv.slice(2);
if (args[0] === 'istio-iptables') {
  try {
    await captureOwnNamespace(args.slice(1));
  } catch (error) {
    process.stderr.write(`istio-iptables: ${describeError(error)}\n`);
    process.exitCode = 1;
  }
} else {
  await runProgram('mizzen-node-agent', createNodeAgent(args, fileURLToPath(new URL('./cni.js', import.meta.url))));
}
