import { z } from 'zod'
import type { Resource } from '#platform/resource/define-resource'
import { filterParameters, type FilterParameter } from '#platform/resource/filters'
import { counts } from '#platform/resource/list-query'
import { searchText } from '#platform/resource/search-text'
import { selectableNames } from '#platform/resource/selection'
import { plural } from './names.ts'

export type Parameters = Readonly<Record<string, z.ZodType>>

/** The parameters of a list by cursor. */
export function listQuery(resource: Resource, selection: Parameters): z.ZodObject {
  return z.object({
    ...filtersOf(resource),
    sort: z
      .enum(resource.sorts.map((sort) => sort.name))
      .optional()
      .meta({ description: `\`-\` is descending. ${resource.sorts[0].name} when left out.` }),
    limit: limitOf(resource),
    cursor: z.string().optional().meta({
      description: '`nextCursor` or `prevCursor` of a page, with the same filters and sort.',
    }),
    ...selection,
    count: z.enum(counts).optional().meta({
      description:
        '`estimated` asks the planner for `page.total` and costs little, `exact` counts every row; none when left out.',
    }),
  })
}

/** The parameters of a list of version 1. */
export function offsetQuery(resource: Resource): z.ZodObject {
  return z.object({
    ...filtersOf(resource),
    page: z.int().min(1).optional().meta({ description: 'From 1, which is the default.' }),
    limit: limitOf(resource),
  })
}

/** The parameters of a detail. */
export function itemQuery(selection: Parameters): z.ZodObject {
  return z.object(selection)
}

/** The `id` in a path; what can be no id of the resource is answered like what does not exist. */
export function idOf({ noun, fields }: Resource): z.ZodObject {
  const id = fields['id']?.parameter ?? z.string()
  return z.object({ id: id.meta({ description: `Of the ${noun}.` }) })
}

function limitOf({ page: { limitDefault, limitMax } }: Resource): z.ZodType {
  const description = `Items of a page: ${limitDefault} when left out, ${limitMax} at most; more is taken as ${limitMax}.`
  return z.int().min(1).optional().meta({ description })
}

function filtersOf(resource: Resource): Parameters {
  const required = new Set<string>(resource.filtersRequired)
  const all = [...filterParameters(resource)].map(([name, filter]) => {
    const isList = filter.kind === 'oneOf'
    const value =
      filter.kind === 'search'
        ? searchText
        : (resource.fields[filter.field]?.parameter ?? z.never())
    const schema = isList ? z.array(value).min(1).max(100) : value
    return [
      name,
      (required.has(name) ? schema : schema.optional()).meta({
        description: meaningOf(filter, resource),
        ...(isList && { param: { explode: false } }),
      }),
    ] as const
  })
  return Object.fromEntries(all)
}

function meaningOf({ field, kind }: FilterParameter, { noun }: Resource): string {
  const many = plural(noun)
  return {
    equals: `Only ${many} with this ${field}.`,
    oneOf: `Only ${many} with one of these values of ${field}, separated by commas.`,
    from: `Only ${many} whose ${field} is this or later.`,
    before: `Only ${many} whose ${field} is earlier than this.`,
    prefix: `Only ${many} whose ${field} begins with this.`,
    search:
      'Words to look for, in any of their forms; typing errors are forgiven, quotes and `-` work as in web searches.',
  }[kind]
}

/** `fields`, and `expand` where there is something to expand.  @param name of the item, once for each document */
export function selectionParameters(resource: Resource, name: string): Parameters {
  const { fields, expand } = selectableNames(resource)
  return {
    fields: commaList(fields, `${name}Field`).meta({
      description:
        'Only these fields, separated by commas; then nothing else that an item requires is there. Fields of what is expanded have a path.',
      param: { explode: false },
    }),
    ...(expand.length > 0 && {
      expand: commaList(expand, `${name}Expansion`).meta({
        description:
          `What to show inside an item, separated by commas. ${needsOf(resource)}`.trim(),
        param: { explode: false },
      }),
    }),
  }
}

const commaList = (names: readonly string[], id: string): z.ZodType =>
  z.array(z.enum(names).meta({ id })).min(1).max(100).optional()

/** What is expanded may need a scope that the item itself does not. */
function needsOf({ expand, scope }: Resource): string {
  return Object.entries(expand)
    .map(([name, expansion]) => ({ name, needed: expansion.resource().scope }))
    .filter(({ needed }) => needed !== scope)
    .map(({ name, needed }) => `\`${name}\` needs the scope ${needed}.`)
    .join(' ')
}
