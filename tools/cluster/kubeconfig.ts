// A kubeconfig file with everything in it, so that it can be copied and read from within the nodes' namespaces.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { CertificateFiles } from './certificates.ts';

/** Who speaks to which API server. */
export interface KubeconfigOptions {
  readonly cluster: string;
  readonly server: string;
  readonly authorityFile: string;
  readonly user: string;
  readonly credentials: CertificateFiles;
}

/** Writes a kubeconfig, readable by its owner alone. JSON is YAML. */
export function writeKubeconfig(path: string, options: KubeconfigOptions): string {
  const encoded = (file: string) => readFileSync(file).toString('base64');
  const config = {
    apiVersion: 'v1', kind: 'Config', 'current-context': options.cluster,
    contexts: [{ name: options.cluster, context: { cluster: options.cluster, user: options.user } }],
    clusters: [{ name: options.cluster, cluster: { server: options.server, 'certificate-authority-data': encoded(options.authorityFile) } }],
    users: [{ name: options.user, user: { 'client-certificate-data': encoded(options.credentials.certificate), 'client-key-data': encoded(options.credentials.key) } }],
  };
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(path, `${JSON.stringify(config, null, 2)}\n`, { mode: 0o600 });
  return path;
}
