import type { Audience } from '#platform/cache/entry'
import type { KeptQuestion } from '#platform/cache/demand'
import type { Resource } from '#platform/resource/define-resource'
import { filterParameters } from '#platform/resource/filters'
import type { Question } from './cached-read.ts'

/** The question as it is asked again, its parameters in one order.
 *  @param route the template of its path
 *  @param isPersonal whether one of its parameters may say something of a person */
export function keptQuestion(
  route: string,
  { id, search }: Pick<Question, 'id' | 'search'>,
  { audience, isPersonal }: { readonly audience: Audience; readonly isPersonal: boolean },
): KeptQuestion {
  const parameters = new URLSearchParams(search)
  parameters.sort()
  const path = route.replace(':id', () => encodeURIComponent(String(id)))
  const url = parameters.size === 0 ? path : `${path}?${parameters.toString()}`
  if (audience === 'public') {
    return { url, isPrivate: isPersonal }
  }
  // What one member reads is a record of that person, whatever it is.
  return { url, ...audience, isPrivate: isPersonal || audience.memberId !== undefined }
}

/** Whether the query string of a declared read holds text that may say something of a person: what was searched for, an
 *  address, a reference. Filters that take only some words, ids or instants hold none, and those that the resource names. */
export function hasPersonalText(resource: Resource, search: string): boolean {
  const parameters = new URLSearchParams(search)
  return [...filterParameters(resource)].some(
    ([name, { field }]) => parameters.has(name) && takesAnyText(resource, field),
  )
}

function takesAnyText({ fields, impersonal }: Resource, field: string): boolean {
  const { parameter } = fields[field] ?? {}
  return !impersonal.includes(field) && (parameter?.safeParse('any text').success ?? true)
}
