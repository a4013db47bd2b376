import { z } from 'zod'
import type { Resource } from '#platform/resource/define-resource'
import type { Expansion } from '#platform/resource/expansion'
import { itemNames } from './names.ts'
import { selectionParameters, type Parameters } from './parameters.ts'

/** Items are components, named once, to which lists, details, writes and the expansions of others point. */
export type ItemSchemas = {
  readonly nameOf: (resource: Resource) => string
  /** Every field, and the expansions as properties that may be absent. */
  readonly itemOf: (resource: Resource) => z.ZodObject
  /** The parameters `fields` and `expand`. */
  readonly selectionOf: (resource: Resource) => Parameters
}

/** @param resources those that are listed; what they expand to is found from there */
export function itemSchemas(resources: readonly Resource[]): ItemSchemas {
  const names = itemNames(withExpanded(resources))
  const items = new Map<Resource, z.ZodObject>()
  const selections = new Map<Resource, Parameters>()

  function nameOf(resource: Resource): string {
    const name = names.get(resource)
    if (name === undefined) {
      throw new Error(`two resources would be documented as the items of ${resource.name}`)
    }
    return name
  }

  function itemOf(resource: Resource): z.ZodObject {
    const known = items.get(resource)
    if (known) {
      return known
    }
    const expansions = Object.entries(resource.expand).map(([name, expansion]) => {
      return [name, z.lazy(() => shown(expansion)).optional()] as const
    })
    // `x-selectable`: with the parameter `fields` none of the properties is required.
    const item = resource.item
      .extend(Object.fromEntries(expansions))
      .meta({ id: nameOf(resource), 'x-selectable': true })
    items.set(resource, item)
    return item
  }

  function selectionOf(resource: Resource): Parameters {
    const known = selections.get(resource) ?? selectionParameters(resource, nameOf(resource))
    selections.set(resource, known)
    return known
  }

  function shown(expansion: Expansion): z.ZodType {
    const item = itemOf(expansion.resource())
    return expansion.kind === 'one'
      ? item.nullable()
      : z.object({ data: z.array(item).max(expansion.limit), hasMore: z.boolean() })
  }

  return { nameOf, itemOf, selectionOf }
}

function withExpanded(resources: readonly Resource[]): readonly Resource[] {
  const found = new Set<Resource>()
  const add = (resource: Resource): void => {
    if (!found.has(resource)) {
      found.add(resource)
      Object.values(resource.expand).forEach((expansion) => add(expansion.resource()))
    }
  }
  resources.forEach(add)
  return [...found]
}
