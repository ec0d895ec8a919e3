// Back ends of telemetry: Zipkin's server, a Java archive from its Maven coordinates, and the distribution's Prometheus.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { cached, lastLine, runToEnd, type Peer } from './peer.ts';

/** The version that tests are written against. */
export const ZIPKIN_VERSION = '3.6.1';

/** Zipkin's executable archive, for `java -jar`. */
export async function provideZipkin(): Promise<Peer> {
  if ((await runToEnd(['java', '-version'])).status !== 0) return { found: false, reason: 'no Zipkin: there is no Java here' };
  const name = `zipkin-server-${ZIPKIN_VERSION}-exec.jar`;
  const result = await cached(`zipkin-${ZIPKIN_VERSION}`, async (folder) => {
    const { status, output } = await runToEnd(['mvn', '--batch-mode', '--quiet', 'dependency:copy', `-Dartifact=io.zipkin:zipkin-server:${ZIPKIN_VERSION}:jar:exec`, `-DoutputDirectory=${folder}`], { cwd: folder });
    if (status === -1) return 'no Zipkin: there is no Maven here to fetch it';
    return status === 0 && existsSync(join(folder, name)) ? undefined : `no Zipkin: Maven could not fetch zipkin-server ${ZIPKIN_VERSION}: ${lastLine(output)}`;
  });
  return 'reason' in result ? { found: false, reason: result.reason } : { found: true, version: ZIPKIN_VERSION, path: join(result.folder, name) };
}

/** The prometheus on the PATH, of at least version 2.37. */
export async function providePrometheus(): Promise<Peer> {
  const { status, output } = await runToEnd(['prometheus', '--version']);
  const version = /version (\d+)\.(\d+)\.\S+/.exec(output);
  if (status !== 0 || !version) return { found: false, reason: 'no Prometheus: install the distribution\'s package prometheus' };
  if (Number(version[1]) === 2 && Number(version[2]) < 37) return { found: false, reason: `Prometheus 2.37 or newer is needed; found ${version[0]}` };
  return { found: true, version: `${version[1]}.${version[2]}`, path: 'prometheus' };
}
