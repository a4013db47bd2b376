import { scopes, type Caller } from '#members'
import { problems } from '#platform/cache/problems'
import type { NamedRead } from '#platform/cache/remote-question'
import { Problem } from '#platform/problem'
import { resources } from '../resources.ts'
import { routes } from '../routes.ts'
import type { ApiSlice } from '../slice.ts'
import type { KeptRead, KeptReadOf } from './cached-read.ts'
import { addressOf } from './define-read.ts'
import { readsOf } from './resource-reads.ts'

/** Says which read a URL stands for, exactly as its route would.  @throws {Problem} when it is of none that is kept */
export type FindRead = (named: NamedRead) => KeptRead

/** Finds reads by their URLs, as the routes of this API do. */
export function readsByUrl(
  slice: ApiSlice,
  { isCursorPaginationEnabled }: { readonly isCursorPaginationEnabled: boolean },
): FindRead {
  const reads: readonly NamingRoute[] = [
    ...resources.flatMap((resource) => readsOf(resource, isCursorPaginationEnabled)),
    ...routes
      .filter((route) => route.method === 'get')
      .map((route) => ({ ...route, path: addressOf(route) })),
  ].map(({ path, keptRead }) => ({ matcher: matcherOf(path), keptRead }))
  return (named) => find(slice, reads, named)
}

type NamingRoute = { readonly matcher: RegExp; readonly keptRead: KeptReadOf | undefined }

function find(slice: ApiSlice, reads: readonly NamingRoute[], named: NamedRead): KeptRead {
  const { path, search } = splitUrl(named.url)
  // the first one, as Express goes through them
  const first = reads.find(({ matcher }) => matcher.test(path))
  if (first?.keptRead === undefined) {
    throw new Problem(
      problems.notKept,
      first
        ? `The answers of ${path} differ by credential; no URL names one.`
        : `No read of the API has the path ${path.slice(0, 200)}.`,
    )
  }
  const id = decode(first.matcher.exec(path)?.groups?.['id'])
  const read = first.keptRead(slice, { caller: readerOf(named), id, search })
  if (read.audience !== 'public' && named.organisationId === undefined) {
    throw new Problem(problems.notKept, `${read.route} needs the organisation that reads it.`)
  }
  return read
}

/** A caller who may read everything of the organisation, or of its member. */
function readerOf({ organisationId = '', memberId }: NamedRead): Caller {
  const named = { organisationId, keyId: '', scopes, class: '' }
  return memberId === undefined
    ? { ...named, kind: 'secret' }
    : { ...named, kind: 'member', memberId }
}

/** Of the path and what follows it, as a request would bring them; what stands before is nobody's business. */
function splitUrl(url: string): { readonly path: string; readonly search: string } {
  const [target = ''] = url.replace(/^https?:\/\/[^/]*/i, '').split('#', 1)
  const mark = target.indexOf('?')
  return mark === -1
    ? { path: target, search: '' }
    : { path: target.slice(0, mark), search: target.slice(mark + 1) }
}

const matcherOf = (template: string): RegExp => {
  const literal = template.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
  return new RegExp(`^${literal.replace(':id', '(?<id>[^/]+)')}$`)
}

function decode(text: string | undefined): string | undefined {
  try {
    return text === undefined ? undefined : decodeURIComponent(text)
  } catch (error) {
    if (error instanceof URIError) {
      throw new Problem(problems.notKept, 'The path is not encoded as URLs are.', { cause: error })
    }
    throw error
  }
}
