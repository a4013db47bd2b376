import type { Resource } from './define-resource.ts'

/** What of an item is shown. Names stand in the order of the declaration, so that equal wishes are equal. */
export type Selection = {
  /** Absent means every field. */
  readonly fields?: readonly string[]
  readonly expand: Readonly<Record<string, Selection>>
}

/** Every field and nothing expanded. */
export const everything: Selection = { expand: {} }

/** How deep expansions may lie in each other: `items.product`. */
export const depthMax = 2
/** Names that one `fields` or `expand` may list. */
const namesMax = 100

type Wishes = { readonly fields?: readonly string[]; readonly expand: readonly string[] }
type Fail = (parameter: 'fields' | 'expand', detail: string, known?: readonly string[]) => void

/** Reads `fields` and `expand`: `fields=id,member.name&expand=member,items.product`. `fail` is told every fault. */
export function readSelection(
  resource: Resource,
  { fields, expand }: { readonly fields: string | undefined; readonly expand: string | undefined },
  fail: Fail,
): Selection {
  const wishes = {
    ...(fields !== undefined && { fields: namesOf('fields', fields, fail) }),
    expand: expand === undefined ? [] : namesOf('expand', expand, fail),
  }
  return select(resource, wishes, { path: '', depth: 0, fail })
}

function namesOf(parameter: 'fields' | 'expand', text: string, fail: Fail): readonly string[] {
  const names = text.split(',', namesMax + 1)
  if (names.length > namesMax) {
    fail(parameter, `at most ${namesMax} names`)
  }
  return names.slice(0, namesMax)
}

type Place = { readonly path: string; readonly depth: number; readonly fail: Fail }

function select(resource: Resource, wishes: Wishes, { path, depth, fail }: Place): Selection {
  const expansions = Object.keys(resource.expand)
  const wanted = new Set(wishes.expand.map(headOf))
  const known = Object.keys(resource.fields)
  for (const head of wanted) {
    if (!expansions.includes(head)) {
      fail('expand', `unknown expansion ${quoted(path + head)}`, expansions)
    }
  }
  const inDepth = expansions.filter((name) => wanted.has(name))
  if (depth >= depthMax && inDepth.length > 0) {
    fail('expand', `${quoted(path + inDepth[0])} lies deeper than ${depthMax} expansions`)
    return everything
  }
  for (const name of wishes.fields ?? []) {
    const head = headOf(name)
    const isPath = name !== head
    if (!isPath && !known.includes(name) && !inDepth.includes(name)) {
      fail('fields', `unknown field ${quoted(path + name)}`, known)
    } else if (isPath && !inDepth.includes(head)) {
      fail(
        'fields',
        expansions.includes(head)
          ? `${quoted(path + name)} needs expand=${path}${head}`
          : `unknown field ${quoted(path + name)}`,
        known,
      )
    }
  }
  const chosen = wishes.fields?.filter((name) => known.includes(name))
  const expand = inDepth.map((name) => {
    const below = {
      ...fieldsBelow(name, wishes.fields),
      expand: wishes.expand.filter((one) => one.startsWith(`${name}.`)).map(tailOf),
    }
    const child = resource.expand[name]?.resource() ?? resource
    return [
      name,
      select(child, below, { path: `${path}${name}.`, depth: depth + 1, fail }),
    ] as const
  })
  return {
    ...(chosen && { fields: known.filter((name) => chosen.includes(name)) }),
    expand: Object.fromEntries(expand),
  }
}

/** The fields asked for inside an expansion; none named means all of them. */
function fieldsBelow(name: string, fields: readonly string[] | undefined): Pick<Wishes, 'fields'> {
  const below = fields?.filter((one) => one.startsWith(`${name}.`)).map(tailOf) ?? []
  return below.length > 0 && !fields?.includes(name) ? { fields: below } : {}
}

const headOf = (name: string): string => name.split('.', 1)[0] ?? ''
const tailOf = (name: string): string => name.slice(name.indexOf('.') + 1)
const quoted = (name: string): string => `"${name.slice(0, 60)}"`

/** Every name that `fields` and `expand` of a resource may hold, those below expansions with their paths. */
export function selectableNames(
  resource: Resource,
  depth = 0,
): { readonly fields: readonly string[]; readonly expand: readonly string[] } {
  const expansions = depth < depthMax ? Object.entries(resource.expand) : []
  const below = expansions.map(([name, expansion]) => {
    const inner = selectableNames(expansion.resource(), depth + 1)
    const path = (one: string): string => `${name}.${one}`
    return { fields: [name, ...inner.fields.map(path)], expand: [name, ...inner.expand.map(path)] }
  })
  return {
    fields: [...Object.keys(resource.fields), ...below.flatMap(({ fields }) => fields)],
    expand: below.flatMap(({ expand }) => expand),
  }
}

/** Every resource that a selection shows beside its own. */
export function resourcesOf(resource: Resource, { expand }: Selection): readonly Resource[] {
  return Object.entries(expand).flatMap(([name, below]) => {
    const child = resource.expand[name]?.resource()
    return child ? [child, ...resourcesOf(child, below)] : []
  })
}
