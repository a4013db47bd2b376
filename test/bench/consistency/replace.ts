/** Puts something else in place of a method, for all objects of the class.  @param make is given what was there */
export function replace<T, K extends keyof T>(
  prototype: T,
  method: K,
  make: (original: T[K]) => T[K],
): void {
  prototype[method] = make(prototype[method])
}
