// Which namespaces see an exported object.

/** Whether an object of `namespace` exported to `exportTo` is seen from `clientNamespace`. */
export function isVisible(exportTo: readonly string[], namespace: string, clientNamespace: string): boolean {
  return exportTo.some((target) => target === '*' || target === clientNamespace || (target === '.' && namespace === clientNamespace));
}
