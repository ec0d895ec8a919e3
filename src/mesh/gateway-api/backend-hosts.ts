// Backends of kind Hostname: which Service such a host means, which is then a backend like any other, or which ServiceEntry has it.
import type { Destination } from '../../shared/api/networking/virtual-service.ts';
import { isVisible } from '../model/visibility.ts';
import type { BindingContext } from './binding-context.ts';
import type { Fault } from './conditions.ts';

/** The Service that `host` means to an object of `own`, there or not: any `*.svc` host, and short forms as far as no ServiceEntry has them. */
export function serviceOfHost(context: BindingContext, host: string, own: string): { readonly namespace: string; readonly name: string } | undefined {
  const labels = withoutClusterDomain(context, host);
  if (labels !== undefined) return { namespace: labels.at(-1) ?? '', name: labels.slice(0, -1).join('.') };
  const [name = '', namespace = own, ...rest] = host.split('.');
  if (rest.length > 0) return undefined;
  return context.services.has(`${namespace}/${name}`) || (namespace === own && !context.externalHosts.has(host)) ? { namespace, name } : undefined;
}

/** Name and namespace in a host below `svc` or `svc.<domain>`. */
function withoutClusterDomain({ resources: { domain } }: BindingContext, host: string): string[] | undefined {
  const suffix = [`.svc.${domain}`, '.svc'].find((candidate) => host.endsWith(candidate));
  return suffix === undefined ? undefined : host.slice(0, -suffix.length).split('.');
}

/** The destination of a host that a ServiceEntry has which `own` sees. */
export function externalDestination(context: BindingContext, host: string, port: number, own: string): Destination | Fault {
  const seen = (context.externalHosts.get(host) ?? []).filter(({ namespace, exportTo }) => isVisible(exportTo, namespace, own));
  if (seen.length === 0) return { reason: 'BackendNotFound', message: `No ServiceEntry that the namespace ${own} sees has the host ${host}.` };
  if (!seen.some(({ ports }) => ports.includes(port))) return { reason: 'BackendNotFound', message: `The ServiceEntry of ${host} has no port ${port}.` };
  return { host, port: { number: port } };
}
