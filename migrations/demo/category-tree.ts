import { getColumn, readColumns } from './packed.ts'
import { freeSlug, slugOf } from './slug.ts'

/** A category as its table takes it, but for the ids. */
export type CategoryRow = {
  readonly path: string
  /** The path of the category above; null for a root. */
  readonly parent: string | null
  readonly slug: string
  readonly name: string
  readonly depth: number
}

/**
 * The published categories as a tree, parents before children. All of them are kept, pages for tests and promotions too.
 * The name is the published one without spaces around it, or the id of the one that has none; the slug is made of the
 * name, or of the id where that leaves nothing. Siblings of one slug are told apart by a number, in the order of their
 * ids. What stands below several parents stands below the one in its own path, which `pack.ts` has chosen.
 */
export async function readCategories(): Promise<readonly CategoryRow[]> {
  const table = await readColumns('categories')
  const [ids, names, parents] = ['id', 'name', 'parent'].map((column) =>
    getColumn(table, column).split('\n'),
  )
  const children = Map.groupBy(
    (ids ?? []).map((id, at) => ({ id, name: names?.[at]?.trim() || id, parent: parents?.[at] })),
    ({ parent }) => parent ?? '',
  )
  const rows: CategoryRow[] = []
  const queue: { id: string; path: string | null; depth: number }[] = [
    { id: '', path: null, depth: 0 },
  ]
  for (const { id: parentId, path: parent, depth } of queue) {
    const given = new Set<string>()
    for (const { id, name } of (children.get(parentId) ?? []).toSorted(byId)) {
      const slug = freeSlug(slugOf(name) || slugOf(id), given)
      const path = parent === null ? slug : `${parent}/${slug}`
      rows.push({ path, parent, slug, name, depth })
      queue.push({ id, path, depth: depth + 1 })
    }
  }
  return rows
}

function byId(one: { readonly id: string }, other: { readonly id: string }): number {
  return one.id < other.id ? -1 : 1
}
