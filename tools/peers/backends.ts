// Back ends of telemetry: Zipkin's server, a Java archive from its Maven coordinates, and the distribution's Prometheus.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cached, lastLine, runToEnd, type Peer } from './peer.ts';

/** The version that tests are written against. */
export const ZIPKIN_VERSION = '3.6.1';
/** SHA-256 of its executable archive: what Maven fetches is checked by a sum that comes from the same place. */
const ZIPKIN_DIGEST = 'd8326e0ed4f43855dba81228f688554706e52578a7c782d9a90b73f8680654a1';

/** Zipkin's executable archive, for `java -jar`. */
export async function provideZipkin(): Promise<Peer> {
  if ((await runToEnd(['java', '-version'])).status !== 0) return { found: false, reason: 'no Zipkin: there is no Java here' };
  const name = `zipkin-server-${ZIPKIN_VERSION}-exec.jar`;
  const result = await cached(`zipkin-${ZIPKIN_VERSION}`, async (folder) => {
    const { status, output } = await runToEnd(['mvn', '--batch-mode', '--quiet', 'dependency:copy', `-Dartifact=io.zipkin:zipkin-server:${ZIPKIN_VERSION}:jar:exec`, `-DoutputDirectory=${folder}`], { cwd: folder });
    if (status === -1) return 'no Zipkin: there is no Maven here to fetch it';
    if (status !== 0 || !existsSync(join(folder, name))) return `no Zipkin: Maven could not fetch zipkin-server ${ZIPKIN_VERSION}: ${lastLine(output)}`;
    const refusal = refusalOf(join(folder, name), ZIPKIN_DIGEST);
    return refusal === undefined ? undefined : `no Zipkin: ${refusal}`;
  });
  if ('reason' in result) return { found: false, reason: result.reason };
  // Also what was kept from before: the folder is the user's.
  const refusal = refusalOf(join(result.folder, name), ZIPKIN_DIGEST);
  return refusal === undefined ? { found: true, version: ZIPKIN_VERSION, path: join(result.folder, name) } : { found: false, reason: `no Zipkin: ${refusal}` };
}

/** Why a file is not the one with that SHA-256; undefined when it is. */
export function refusalOf(file: string, digest: string): string | undefined {
  const found = createHash('sha256').update(readFileSync(file)).digest('hex');
  return found === digest ? undefined : `${file} has the SHA-256 ${found}, and ${digest} is expected; remove it, and find out where it came from`;
}

/** The prometheus on the PATH, of at least version 2.37. */
export async function providePrometheus(): Promise<Peer> {
  const { status, output } = await runToEnd(['prometheus', '--version']);
  const version = /version (\d+)\.(\d+)\.\S+/.exec(output);
  if (status !== 0 || !version) return { found: false, reason: 'no Prometheus: install the distribution\'s package prometheus' };
  if (Number(version[1]) === 2 && Number(version[2]) < 37) return { found: false, reason: `Prometheus 2.37 or newer is needed; found ${version[0]}` };
  return { found: true, version: `${version[1]}.${version[2]}`, path: 'prometheus' };
}
