import { fillFrom } from '../../../api/http/cached-read.ts'
import { paymentLinkItems } from '../../../api/resources/payment-link-items.ts'
import { paymentLinks } from '../../../api/resources/payment-links.ts'
import type { CacheRead } from '../../../shared/platform/cache/cache.ts'
import { cacheKey, type Filling } from '../../../shared/platform/cache/entry.ts'
import type { Held } from '../../../shared/platform/cache/held.ts'
import type { PreparedRunner } from '../../../shared/platform/database/database.ts'
import type { Filled, Item } from '../../../shared/platform/resource/filled.ts'
import {
  parseItemQuery,
  parseListQuery,
  parseOffsetQuery,
} from '../../../shared/platform/resource/list-query.ts'
import type { PreparedRead, Reader } from '../../../shared/platform/resource/reader.ts'
import { cellsOfSubject, type Answer, type Subject } from './judge.ts'
import {
  bulkOrganisation,
  cellOfRow,
  cellsOf,
  createdAtOf,
  linkId,
  organisationsCount,
} from './universe.ts'

/** A read that is asked again and again, as the API would ask it, and how to judge what comes back. */
export type Question = {
  readonly name: string
  readonly subject: Subject
  /** The numbers of the cells that it depends on. */
  readonly cells: readonly number[]
  readonly read: CacheRead
  parse(held: Held): Answer
}

type Making = {
  readonly reader: Reader
  readonly db: PreparedRunner
  /** The organisations' ids by their places. */
  readonly organisationIds: readonly string[]
  /** What is done to a fill before the cache has it: nothing, unless a safeguard is off. */
  readonly alter: (filling: Filling) => Filling
  /** Awaited after each fill: some answers are long on their way. */
  readonly linger: () => Promise<void>
}

const [short, long] = [
  { freshSeconds: 2, staleSeconds: 3 },
  { freshSeconds: 60, staleSeconds: 60 },
]

/** All that is asked: of each small organisation eight lists and every link, of the large one two lists and two links. */
export function makeQuestions(making: Making): readonly Question[] {
  const organisations = Array.from(
    { length: organisationsCount },
    (_, organisation) => organisation,
  )
  return organisations.flatMap((organisation) =>
    organisation === bulkOrganisation
      ? [
          page(making, organisation, 'limit=3'),
          numbered(making, organisation, 'limit=3&page=2'),
          item(making, organisation, 7),
          item(making, organisation, 77),
        ]
      : [
          page(making, organisation, 'limit=4'),
          page(making, organisation, 'limit=4', 9),
          page(making, organisation, 'status=open&limit=4'),
          page(making, organisation, 'status=cancelled&limit=3'),
          page(making, organisation, 'limit=3&count=exact'),
          numbered(making, organisation, 'limit=5&page=1'),
          numbered(making, organisation, 'limit=5&page=2'),
          items(making, organisation),
          ...cellsOf(organisation, 'link').map(({ place }) => item(making, organisation, place)),
        ],
  )
}

function page(making: Making, organisation: number, search: string, after?: number): Question {
  const organisationId = making.organisationIds[organisation] ?? ''
  const listing = { resource: paymentLinks, scope: { organisationId } }
  const { binding: _binding, ...first } = parseListQuery(listing, search, [])
  const start = after === undefined ? undefined : [createdAtOf(after), linkId(organisation, after)]
  const query = { ...first, ...(start && { position: { direction: 'next' as const, key: start } }) }
  const prepared = making.reader.page(listing, query)
  const status = /status=(open|cancelled)/.exec(search)?.[1]
  const subject: Subject = {
    kind: 'list',
    organisation,
    of: organisation === bulkOrganisation ? 'bulk' : 'link',
    ...((status === 'open' || status === 'cancelled') && { status }),
    ...(after !== undefined && { after }),
  }
  return question(making, prepared, {
    name: `links?${search}${after === undefined ? '' : ` after ${after}`}`,
    subject,
    query: JSON.stringify(query),
    lifetime: long,
    render: ({ body, hasMore, total }) =>
      `{"data":${body},"page":${JSON.stringify({ hasMore, total })}}`,
  })
}

function items(making: Making, organisation: number): Question {
  const organisationId = making.organisationIds[organisation] ?? ''
  const parentId = linkId(organisation, 0)
  const listing = { resource: paymentLinkItems, scope: { organisationId }, parentId }
  const { binding: _binding, ...query } = parseListQuery(listing, '', [])
  return question(making, making.reader.page(listing, query), {
    name: 'links/0/items',
    subject: { kind: 'list', organisation, of: 'item' },
    query: JSON.stringify([parentId, query]),
    lifetime: long,
    render: ({ body, isParentFound }) =>
      isParentFound ? `{"data":${body},"page":{"hasMore":false}}` : undefined,
  })
}

function numbered(making: Making, organisation: number, search: string): Question {
  const organisationId = making.organisationIds[organisation] ?? ''
  const query = parseOffsetQuery(paymentLinks, search)
  const scope = { organisationId }
  const prepared = making.reader.offsetPage({ resource: paymentLinks, scope }, query)
  const of = organisation === bulkOrganisation ? 'bulk' : 'link'
  return question(making, prepared, {
    name: `v1 links?${search}`,
    subject: { kind: 'list', organisation, of, ...(query.page > 1 && { isInside: true }) },
    query: JSON.stringify(query),
    lifetime: short,
    render: ({ body, total }) =>
      `{"data":${body},"page":{"total":${total},"hasMore":${total > query.limit}}}`,
  })
}

function item(making: Making, organisation: number, place: number): Question {
  const organisationId = making.organisationIds[organisation] ?? ''
  const id = linkId(organisation, place)
  const selection = parseItemQuery(paymentLinks, '')
  const scope = { organisationId }
  const cell = cellOfRow(organisation, id)
  if (!cell) {
    throw new Error(`no cell is the row ${id}`)
  }
  const asked = { resource: paymentLinks, scope, id, selection }
  return question(making, making.reader.item(asked), {
    name: `links/${place}`,
    subject: { kind: 'item', cell },
    query: JSON.stringify([id, selection]),
    lifetime: short,
    render: ({ body }) => (body === undefined ? undefined : `{"data":${body}}`),
  })
}

type Asking<Found> = {
  readonly name: string
  readonly subject: Subject
  readonly query: string
  readonly lifetime: CacheRead['lifetime']
  readonly render: (found: Found) => string | undefined
}

function question<Found extends Filled | Item>(
  { db, organisationIds, alter, linger }: Making,
  prepared: PreparedRead<Found>,
  { name, subject, query, lifetime, render }: Asking<Found>,
): Question {
  const organisation = subject.kind === 'item' ? subject.cell.organisation : subject.organisation
  const organisationId = organisationIds[organisation] ?? ''
  const route = name.replace(/\d+/g, ':n')
  return {
    name: `organisation ${organisation}: ${name}`,
    subject,
    cells: cellsOfSubject(subject).map(({ index }) => index),
    read: {
      key: cacheKey({ organisationId }, { route, shape: prepared.digest, query }),
      route,
      lifetime,
      async fill() {
        const answer = (found: Found) => ({ body: render(found), headers: {} })
        const filling = await fillFrom({ db }, prepared, answer)
        await linger()
        return alter(filling)
      },
    },
    parse: (held) => parse(organisation, held),
  }
}

/** The version stands in the name of an item, and in the description of a link. */
function parse(organisation: number, { status, body }: Held): Answer {
  if (status === 404) {
    return { status, shown: [], hasMore: false }
  }
  const { data, page: { hasMore = false, total } = {} }: any = JSON.parse(body.toString())
  const rows: { id: string | number; description?: string; name?: string }[] = [data].flat()
  const shown = rows.map(({ id, description, name }) => {
    const cell = cellOfRow(organisation, String(id))
    const version = Number(/^v(\d+)$/.exec(description ?? name ?? '')?.[1])
    if (!cell || !Number.isInteger(version)) {
      throw new Error(`a row that nobody wrote: ${JSON.stringify({ id, description, name })}`)
    }
    return { cell, version }
  })
  return { status, shown, hasMore, ...(total !== undefined && { total }) }
}
