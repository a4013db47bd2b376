import { pino } from 'pino'
import { sql } from 'kysely'
import { toldTable, type Resource } from '#platform/resource/define-resource'
import { resources } from '../../api/resources.ts'
import { startApi, type Answer, type Api } from './api.ts'
import {
  addMember,
  addTenant,
  ecbRates,
  openBusiness,
  publishRates,
  type Business,
  type Tenant,
} from './business.ts'
import { addProducts } from './catalogue.ts'
import { addContents } from './contents.ts'
import { addPostings } from './ledger.ts'
import { addLinks } from './links.ts'
import { addActiveMembers, addActivity } from './members.ts'
import { fixtureOf, placeOf } from './resource-fixtures.ts'
import { rowsOf, select, tableOf, type Question, type StoredRow } from './resource-model.ts'
import { addCopy, copyRow } from './resource-writes.ts'
import { recordStatements } from './statements.ts'

/** What lists live below, by the resource that it is an item of; all of it is one member's. */
type Parents = Readonly<Record<string, string>>
/** A tenant with rows for every declared resource. */
export type Inhabitant = Tenant & {
  readonly memberId: string
  readonly memberToken: string
  readonly parents: Parents
}

/** One business with rows for every declared resource, of two organisations and of none, behind the real API. */
export type World = {
  readonly business: Business
  readonly api: Api
  readonly ours: Inhabitant
  readonly theirs: Inhabitant
  /** An organisation without any row. */
  readonly nobody: Tenant
  readonly statements: ReturnType<typeof recordStatements>
  /** What the API logged as errors. */
  readonly errors: readonly string[]
  /** A number that no other row of the table was made with; few, for there are not many currencies. */
  readonly next: (resource: Resource) => number
}

/** Whose pages may call the API of a world. */
export const allowedOrigin = 'https://shop.example.com'

/** @param tiers `none` for specs that count what a read costs; others prove that kept answers are those that would be read */
export async function openWorld(tiers: 'memory' | 'none' = 'memory'): Promise<World> {
  const business = await openBusiness({ fx: { providers: ['ecb'] } })
  const statements = recordStatements(business.db)
  const errors: string[] = []
  const log = pino({ level: 'error' }, { write: (line: string) => errors.push(line) })
  const api = await startApi(
    { ...business, log },
    {
      cache: { tiers },
      isCaughtUp: true,
      corsOrigins: [allowedOrigin],
    },
  )
  for (let day = 0; day < 6; day += 1) {
    await publishRates(business, ecbRates, new Date(Date.now() - day * 86_400_000))
  }
  const ours = await settle(business, api, 'harbour')
  const theirs = await settle(business, api, 'inland')
  const nobody = await addTenant(business, 'nobody')
  const counts = new Map<string, number>()
  const world = {
    business,
    api,
    ours,
    theirs,
    nobody,
    statements,
    errors,
    next(resource: Resource) {
      const table = toldTable(resource)
      const count = (counts.get(table) ?? 0) + 1
      counts.set(table, count)
      return count
    },
  }
  for (const resource of resources) {
    await grow(world, resource)
  }
  await business.db.run(sql`analyze`)
  return world
}

async function settle(business: Business, api: Api, slug: string): Promise<Inhabitant> {
  const tenant = await addTenant(business, slug)
  const { organisationId, secretKey } = tenant
  await addActiveMembers(business, tenant, 4)
  const { memberId, token } = await addMember(business, organisationId, `${slug}@example.org`)
  await business.db.run(sql`
    insert into member_roles (member_id, role) select ${memberId}::uuid, unnest('{owner,finance,creator}'::text[])`)
  await addActivity(business, token, 5)
  const [linkId = ''] = await addLinks(business, tenant, 4, { memberId })
  await addLinks(business, tenant, 4)
  const { productIds } = await addProducts(business, tenant, 8)
  const { contentIds, tagIds } = await addContents(business, tenant, {
    count: 8,
    memberId,
    productIds: productIds.slice(0, 3),
  })
  await addPostings(business, tenant, { linkId, count: 4 })
  for (const turn of [1, 2]) {
    const headers = { 'idempotency-key': `${slug}-${turn}` }
    const options = { as: secretKey, body: {}, headers }
    await api.call('POST', `/api/v2/payment-links/${linkId}/requote`, options)
  }
  const parents = {
    'payment-links': linkId,
    products: productIds[0] ?? '',
    members: memberId,
    contents: contentIds[0] ?? '',
    tags: tagIds[0] ?? '',
  }
  return { ...tenant, memberId, memberToken: token, parents }
}

/** Copies rows of ours, so that every filter has something to tell apart, and hides some of the copies. */
async function grow(world: World, resource: Resource): Promise<void> {
  const { another, hidden = [] } = fixtureOf(resource)
  const hides = [
    resource.removedAt,
    ...Object.keys(resource.only),
    ...Object.keys(resource.boundary),
  ]
  const reasons = hides.filter((one) => one !== undefined)
  const rows = await expectedRows(world, resource)
  const [first] = rows
  if (!first) {
    throw new Error(`add a row of '${placeOf(resource)}' to test/support/resource-world.ts, settle`)
  }
  if (hidden.length < reasons.length) {
    throw new Error(
      `test/support/resource-fixtures.ts: '${placeOf(resource)}' hides rows by ${reasons.join(', ')}`,
    )
  }
  for (let index = 0; index < (another ? 6 : 0); index += 1) {
    const row = rows[(index * 5) % rows.length] ?? first
    await addCopy(world.business, resource, { row, n: world.next(resource) })
  }
  for (const columns of hidden) {
    await copyRow(world.business, resource, first, columns)
  }
}

/** A question as our own servers ask it, with the filters that the list needs. */
export function questionOf(
  world: World,
  resource: Resource,
  more: Partial<Question> = {},
): Question {
  const { organisationId, parents } = world.ours
  const parentId = parents[resource.parent?.resource().name ?? '']
  return {
    viewer: { organisationId },
    ...(parentId !== undefined && { parentId }),
    ...more,
    parameters: { ...fixtureOf(resource).needs, ...more.parameters },
  }
}

export async function expectedRows(
  world: World,
  resource: Resource,
  more: Partial<Question> = {},
): Promise<readonly StoredRow[]> {
  const question = questionOf(world, resource, more)
  const rows = await rowsOf(world.business.db, resource, question.parameters?.['q'])
  return select(tableOf(world.business.db, resource), resource, rows, question)
}

/** The keys of the rows that a list has to show, in its order. */
export async function expectedKeys(
  world: World,
  resource: Resource,
  more: Partial<Question> = {},
): Promise<readonly string[]> {
  return (await expectedRows(world, resource, more)).map((row) => keyOfRow(world, resource, row))
}

export function keyOfRow({ business }: World, resource: Resource, row: StoredRow): string {
  const { column } = tableOf(business.db, resource)
  return shownKey(business, resource)
    .map(({ property }) => String(row[column(property)]))
    .join(':')
}

export function keyOf({ business }: World, resource: Resource, item: Item): string {
  return shownKey(business, resource)
    .map(({ field }) => String(item[field]))
    .join(':')
}

/** The primary key as far as items show it; below a parent they do not repeat its id. */
function shownKey({ db }: Business, resource: Resource) {
  return tableOf(db, resource).primaryKey.flatMap((property) => {
    const found = Object.entries(resource.fields).find(([, { columns }]) => columns[0] === property)
    return found ? [{ property, field: found[0] }] : []
  })
}

export type Item = Readonly<Record<string, any>>

export function pathOf({ ours }: World, resource: Resource, parents = ours.parents): string {
  return `/api/v2/${placeOf(resource).replace(':id', parents[resource.parent?.resource().name ?? ''] ?? '')}`
}

/** The query string of a list with what it needs, and more. */
export function searchOf(
  resource: Resource,
  more: Readonly<Record<string, string | number>> = {},
): string {
  const all = Object.entries({ ...fixtureOf(resource).needs, ...more })
  return new URLSearchParams(all.map(([name, value]) => [name, String(value)])).toString()
}

/** One page of a list; of ours, as our servers see it, unless said otherwise. */
export function readList(
  world: World,
  resource: Resource,
  more: Readonly<Record<string, string | number>> = {},
  as = world.ours.secretKey,
): Promise<Answer> {
  return world.api.call('GET', `${pathOf(world, resource)}?${searchOf(resource, more)}`, { as })
}

export type Walk = {
  readonly search?: Readonly<Record<string, string | number>>
  /** Used in turn. */
  readonly limits: readonly number[]
  readonly direction?: 'next' | 'prev'
  /** Where to begin; at the start when left out. */
  readonly cursor?: string
  /** What happens between two pages. */
  readonly meanwhile?: () => Promise<unknown>
}

/** Every page from here to the end of that direction. */
export async function walk(
  world: World,
  resource: Resource,
  { search, limits, direction = 'next', cursor, meanwhile }: Walk,
): Promise<readonly { readonly data: readonly Item[]; readonly page: Item }[]> {
  const pages = []
  let at = cursor
  do {
    const limit = limits[pages.length % limits.length] ?? 1
    const { status, text, json } = await readList(world, resource, {
      ...search,
      limit,
      ...(at !== undefined && { cursor: at }),
    })
    if (status !== 200 || pages.length > 1_000) {
      throw new Error(
        `page ${pages.length} of ${placeOf(resource)}: ${status} ${text.slice(0, 300)}`,
      )
    }
    pages.push(json)
    at = json.page[`${direction}Cursor`]
    await meanwhile?.()
  } while (at !== undefined)
  return pages
}
