// The DaemonSet's program, and with the first argument `istio-iptables` the init containers': they need little of it, so the rest is loaded only when it is wanted.
import { fileURLToPath } from 'node:url';

const args = process.argv.slice(2);
if (args[0] === 'istio-iptables') {
  const { runCaptureCommand } = await import('../node-agent/firewall/index.ts');
  const { describeError } = await import('../shared/lib/index.ts');
  try {
    const { status, output } = await runCaptureCommand(args.slice(1), process.env);
    (status === 0 ? process.stdout : process.stderr).write(`${output}\n`);
    process.exitCode = status;
  } catch (error) {
    process.stderr.write(`istio-iptables: ${describeError(error)}\n`);
    process.exitCode = 1;
  }
} else {
  const { createNodeAgent } = await import('../node-agent/index.ts');
  const { usePino } = await import('../shared/observability/pino-sink.ts');
  const { runProgram } = await import('../shared/process/index.ts');
  usePino();
  await runProgram('mizzen-node-agent', createNodeAgent(args, process.env, fileURLToPath(new URL('./cni.js', import.meta.url))));
}
