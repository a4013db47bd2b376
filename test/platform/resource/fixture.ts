import { sql, type RawBuilder } from 'kysely'
import type { Clock } from '#platform/clock'
import { systemClock } from '#platform/clock'
import { openDatabase, type Database, type Entities } from '#platform/database/database'
import { createLifecycle, type Lifecycle } from '#platform/lifecycle'
import { createLog } from '#platform/log'
import type { Resource } from '#platform/resource/define-resource'
import { parseListQuery, type Scope } from '#platform/resource/list-query'
import type { Page } from '#platform/resource/filled'
import type { Position } from '#platform/resource/cursor'
import { createReader, type Reader } from '#platform/resource/reader'
import { databaseOptions } from '../../support/business.ts'
import { createDatabase } from '../../support/servers.ts'

/** A reader over tables that a spec makes for itself. */
export type Fixture = {
  readonly db: Database
  readonly reader: Reader
  readonly lifecycle: Lifecycle
  /** One page as the parameters say, read below HTTP. */
  page(resource: Resource, search: string, more?: PageOptions): Promise<Page>
}

export type PageOptions = {
  readonly position?: Position
  readonly scope?: Scope
  readonly parentId?: string
}

type Parts = {
  readonly entities: Entities
  readonly resources: readonly Resource[]
  readonly tables: readonly RawBuilder<unknown>[]
  readonly clock?: Pick<Clock, 'now'>
}

export const organisationId = '11111111-1111-4111-8111-111111111111'
const ring = [{ id: 'test', secret: Buffer.alloc(32, 7) }]

export async function openFixture({ entities, resources, tables, clock }: Parts): Promise<Fixture> {
  const log = createLog('test', 'silent')
  const lifecycle = createLifecycle(log)
  const options = { ...databaseOptions(await createDatabase()), connectionsMax: 1 }
  const db = await openDatabase(options, entities, { log, lifecycle })
  for (const table of tables) {
    await db.run(table)
  }
  const reader = createReader({ db, clock: { ...systemClock, ...clock } }, resources)
  return {
    db,
    reader,
    lifecycle,
    async page(resource, search, { position, scope = { organisationId }, parentId } = {}) {
      const listing = { resource, scope, ...(parentId !== undefined && { parentId }) }
      const query = parseListQuery(listing, search, ring)
      return reader.page(listing, { ...query, ...(position && { position }) }).run(db)
    },
  }
}

/** Makes a table hold exactly these rows; each names every column. */
export async function store(
  { db }: Pick<Fixture, 'db'>,
  table: string,
  rows: readonly object[],
): Promise<void> {
  await db.run(sql`delete from ${sql.table(table)}`)
  await db.run(sql`
    insert into ${sql.table(table)}
    select * from json_populate_recordset(null::${sql.table(table)}, ${JSON.stringify(rows)}::json)`)
}

/** The order of the C collation: bytes of UTF-8. */
export const compareBytes = (one: string, other: string): number =>
  Buffer.compare(Buffer.from(one), Buffer.from(other))
