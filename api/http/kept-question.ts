import type { Audience } from '#platform/cache/entry'
import type { KeptQuestion } from '#platform/cache/demand'
import type { Resource } from '#platform/resource/define-resource'
import { filterParameters } from '#platform/resource/filters'
import type { Question } from './cached-read.ts'

/** Reads of one search from which it is the shop's and no visitor's. */
const searchReads = 5

/** The question as it is asked again, its parameters in one order.
 *  @param route the template of its path
 *  @param tellableFromReads what its parameters allow */
export function keptQuestion(
  route: string,
  { id, search }: Pick<Question, 'id' | 'search'>,
  {
    audience,
    tellableFromReads,
  }: { readonly audience: Audience } & Pick<KeptQuestion, 'tellableFromReads'>,
): KeptQuestion {
  const parameters = new URLSearchParams(search)
  parameters.sort()
  const path = route.replace(':id', () => encodeURIComponent(String(id)))
  const url = parameters.size === 0 ? path : `${path}?${parameters.toString()}`
  if (audience === 'public') {
    return { url, tellableFromReads }
  }
  // What one member reads is a record of that person, whatever it is.
  const isOneMember = audience.memberId !== undefined
  return { url, ...audience, tellableFromReads: isOneMember ? Infinity : tellableFromReads }
}

/** Reads from which the query string of a declared read may be written down. Filters that take only some words, ids or
 *  instants say nothing of a person; neither do texts that the resource calls impersonal, and searches that it calls so once
 *  several have asked for them. Any other text may be somebody's name or address. */
export function readsToTell(resource: Resource, search: string): number {
  const parameters = new URLSearchParams(search)
  const given = [...filterParameters(resource)].filter(([name]) => parameters.has(name))
  return Math.max(
    0,
    ...given.map(([name, { field, kind }]) =>
      kind === 'search' ? readsOfSearch(resource, name) : readsOfText(resource, field),
    ),
  )
}

const readsOfSearch = ({ impersonal }: Resource, name: string): number =>
  impersonal.includes(name) ? searchReads : Infinity

function readsOfText({ fields, impersonal }: Resource, field: string): number {
  const takesAnyText = fields[field]?.parameter?.safeParse('any text').success ?? true
  return takesAnyText && !impersonal.includes(field) ? Infinity : 0
}
