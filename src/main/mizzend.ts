// The control plane's program: options -> components -> run.
import { createControlPlane, parseArguments } from '../control-plane/index.ts';
import { KubeClient } from '../shared/kube/index.ts';
import { programMetrics, setLogLevel } from '../shared/observability/index.ts';
import { usePino } from '../shared/observability/pino-sink.ts';
import { runProgram } from '../shared/process/index.ts';

usePino();

const parsed = parseArguments(process.argv.slice(2), process.env);
if (parsed.kind === 'help') process.stdout.write(parsed.text);
else if (parsed.kind === 'invalid') {
  process.stderr.write(`${parsed.message}\n`);
  process.exitCode = 2;
} else {
  for (const { level, logger } of parsed.options.logLevels) setLogLevel(level, logger);
  programMetrics.collectProcessMetrics();
  const client = KubeClient.fromDefault({ userAgent: 'mizzend' });
  await runProgram('mizzend', createControlPlane(client, parsed.options).components);
}
