/** Words as a part of a URL: `Drinking & Dining – "Men's"` becomes `drinking-and-dining-mens`. */
export function slugOf(text: string): string {
  return text
    .toLowerCase()
    .replaceAll('&', ' and ')
    .replaceAll("'", '')
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '')
}

/** The slug, or where it was given before the slug with the first free number from 2 on. Remembers it in `given`. */
export function freeSlug(slug: string, given: Set<string>): string {
  let free = slug
  for (let number = 2; given.has(free); number += 1) {
    free = `${slug}-${number}`
  }
  given.add(free)
  return free
}
