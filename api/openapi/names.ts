import type { Resource } from '#platform/resource/define-resource'

/** `payment-links`, `payment link` and `ledger/entries` as the name of a type. */
export function pascal(words: string): string {
  return words
    .split(/[^A-Za-z0-9]+/)
    .map((word) => (/^[A-Z]+$/.test(word) ? word.toLowerCase() : word))
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
    .join('')
}

export function plural(noun: string): string {
  if (/[^aeiou]y$/.test(noun)) {
    return `${noun.slice(0, -1)}ies`
  }
  return /(s|x|ch|sh)$/.test(noun) ? `${noun}es` : `${noun}s`
}

/** What clients call a list: `PaymentLinks`, and below an item `PaymentLinkEvents`. */
export function listName({ parent, name }: Resource): string {
  return pascal(parent ? `${parent.resource().noun} ${name}` : name)
}

/** What clients call the item of each resource: after its noun, `PaymentLink`, and below an item after both nouns.
 *  Where lists share a noun, the one with the shortest path has it; the others are told apart by the end of theirs. */
export function itemNames(resources: readonly Resource[]): ReadonlyMap<Resource, string> {
  const full = ({ parent, noun }: Resource): string =>
    pascal(parent ? `${parent.resource().noun} ${noun}` : noun)
  const owners = new Map<string, Resource>()
  for (const resource of resources.toSorted((a, b) => a.name.length - b.name.length)) {
    const name = full(resource)
    const end = resource.name.split('/').at(-1) ?? ''
    owners.set(owners.has(name) ? name + pascal(end) : name, resource)
  }
  return new Map([...owners].map(([name, resource]) => [resource, name]))
}

/** The group of an operation in the documentation: the first segment of its path, or `service`. */
export function tagOf(path: string): string {
  return /^\/api\/v2\/([^/]+)/.exec(path)?.[1] ?? 'service'
}

/** Express writes `:id`, OpenAPI `{id}`. */
export function templateOf(path: string): string {
  return path.replaceAll(/:(\w+)/g, '{$1}')
}
