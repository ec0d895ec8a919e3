// Reads a field deep in a spec whose every part may be absent.

type Field<T, K extends PropertyKey> = T extends null | undefined ? never : K extends keyof NonNullable<T> ? NonNullable<T>[K] : never;
type Key<T> = keyof NonNullable<T>;

/** The field at the path, or undefined when a part of the way is absent. */
export function at<T, A extends Key<T>>(value: T, a: A): Field<T, A> | undefined;
export function at<T, A extends Key<T>, B extends Key<Field<T, A>>>(value: T, a: A, b: B): Field<Field<T, A>, B> | undefined;
export function at<T, A extends Key<T>, B extends Key<Field<T, A>>, C extends Key<Field<Field<T, A>, B>>>(value: T, a: A, b: B, c: C): Field<Field<Field<T, A>, B>, C> | undefined;
export function at<T, A extends Key<T>, B extends Key<Field<T, A>>, C extends Key<Field<Field<T, A>, B>>, D extends Key<Field<Field<Field<T, A>, B>, C>>>(value: T, a: A, b: B, c: C, d: D): Field<Field<Field<Field<T, A>, B>, C>, D> | undefined;
export function at(value: unknown, ...path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((part, key) => (typeof part === 'object' && part !== null ? (part as Record<PropertyKey, unknown>)[key] : undefined), value);
}
