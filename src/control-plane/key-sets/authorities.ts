// Whom this program believes when it asks servers outside the mesh: Node's own authorities, the system's, and those that an administrator mounts where Istio has them.
import { readFileSync } from 'node:fs';
import { getCACertificates } from 'node:tls';

/** The authorities, PEM; read when first asked for, as most meshes fetch nothing. */
export function trustedAuthorities(extraFile: string): () => string[] {
  let known: string[] | undefined;
  return () => (known ??= [...new Set([...getCACertificates('default'), ...getCACertificates('system'), ...extraAuthorities(extraFile)])]);
}

function extraAuthorities(file: string): string[] {
  try {
    return [readFileSync(file, 'utf8')];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
