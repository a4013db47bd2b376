/** Filters that a list cannot be read without, by resource, with values that select enough rows to page through. */
export const neededFilters: Readonly<Record<string, string>> = {
  'fx/rates/history': 'base=EUR&quote=USD,JPY',
  'products/search': 'q=lantern',
}
