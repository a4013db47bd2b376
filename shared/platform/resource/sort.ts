type SortName<Field extends string> = Field | `-${Field}`

/** A sort as it is declared: one field, `-` for descending, or several of them with the place of NULLs.
 *  `'-createdAt'`; `{ by: ['status', '-createdAt'] }`; `{ by: ['-lastActiveAt'], nulls: 'last' }`. `relevance` is what a
 *  search gives. */
export type SortDeclaration<Field extends string> =
  | SortName<Field>
  | '-relevance'
  | {
      readonly by: readonly [SortName<Field>, ...SortName<Field>[]]
      /** Where rows without a value stand. Must be said when the column may be NULL. */
      readonly nulls?: 'first' | 'last'
    }

/** One step of an order. `relevance` is no field but the rank that a search gives. */
export type SortKey = { readonly field: string; readonly isDown: boolean }

/** An order that a list can be asked for, by its name in the parameter `sort`: `status,-createdAt`. */
export type Sort = {
  readonly name: string
  readonly keys: readonly [SortKey, ...SortKey[]]
  readonly nulls?: 'first' | 'last'
}

/** The declared sorts in the one form that the rest works with. */
export function readSorts(declared: readonly SortDeclaration<string>[]): readonly Sort[] {
  return declared.map((one) => {
    const { by, nulls } = typeof one === 'string' ? { by: [one] as const, nulls: undefined } : one
    const [first, ...rest] = by
    return {
      name: by.join(','),
      keys: [readKey(first), ...rest.map(readKey)],
      ...(nulls && { nulls }),
    }
  })
}

/** The orders that need no search. */
export function plainSorts(sorts: readonly Sort[]): readonly Sort[] {
  return sorts.filter(({ keys }) => keys.every(({ field }) => field !== 'relevance'))
}

function readKey(name: string): SortKey {
  return { field: name.replace(/^-/, ''), isDown: name.startsWith('-') }
}
