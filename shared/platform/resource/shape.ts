import type { Condition, Count, ListQuery, OffsetQuery, Scope } from './list-query.ts'
import type { SlotValues } from './prepared.ts'
import type { Selection } from './selection.ts'
import type { Start } from './keyset.ts'
import type { Table } from './table.ts'

/** By whom, when and below which item a list is asked for. */
export type Place = {
  readonly scope: Scope
  /** RFC 3339. */
  readonly at: string
  readonly parent?: { readonly table: Table; readonly id: string }
}

/** What the texts of the statements depend on, and nothing else; every value has a slot. */
export type Shape = {
  readonly hasMember: boolean
  readonly parent?: Table
  readonly conditions: readonly ConditionShape[]
  readonly sort: string
  /** Part of the text: with a parameter PostgreSQL would expect a tenth of the table and plan anew each time. */
  readonly limit: number
  readonly start?: Start
  readonly selection: Selection
  readonly count: Count
}

/** What of a shape the statement of one item depends on. */
export type ItemShape = Pick<Shape, 'hasMember' | 'selection'>

export type ConditionShape = Pick<Condition, 'field' | 'operator'> & { readonly isMany: boolean }

export function shapeOf({ scope, parent }: Place, query: Omit<ListQuery, 'binding'>): Shape {
  const { conditions, sort, limit, position, selection, count } = query
  return {
    hasMember: scope.memberId !== undefined,
    conditions: conditions.map(({ field, operator, values }) => ({
      field,
      operator,
      isMany: values.length > 1,
    })),
    sort,
    limit,
    count,
    selection,
    ...(parent && { parent: parent.table }),
    ...(position && {
      start: {
        direction: position.direction,
        isInclusive: position.isInclusive ?? false,
        nulls: position.key.map((text) => text === null),
      },
    }),
  }
}

/** A text that is equal for equal shapes. */
export function shapeKey(kind: string, { parent, ...shape }: Shape): string {
  return JSON.stringify([kind, parent?.resource.name, shape])
}

/** The values for the slots of a list. */
export function listValues(
  place: Place,
  query: Omit<ListQuery, 'binding'> | OffsetQuery,
): SlotValues {
  const { conditions, limit } = query
  const key = 'position' in query ? (query.position?.key ?? []) : []
  const skipped = 'page' in query ? (query.page - 1) * limit : 0
  return {
    ...scopeValues(place),
    parent: place.parent?.id,
    skipped,
    ...Object.fromEntries(key.map((text, index) => [`key${index}`, text])),
    ...Object.fromEntries(
      conditions.map(({ values }, index) => [
        `value${index}`,
        values.length > 1 ? values : values[0],
      ]),
    ),
  }
}

/** The values for the slots of one item. */
export function itemValues(place: Omit<Place, 'parent'>, id: string): SlotValues {
  return { ...scopeValues(place), id }
}

function scopeValues({
  scope: { organisationId, memberId },
  at,
}: Omit<Place, 'parent'>): SlotValues {
  return { organisation: organisationId, member: memberId, at }
}
