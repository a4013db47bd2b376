import { entities } from '#entities'
import { ColumnNames } from '#platform/database/column-names'
import { MikroORM } from '@mikro-orm/postgresql'
import { expect } from 'chai'
import { createDatabase } from '../support/servers.ts'

/**
 * The migrations are the schema; the entities describe its tables for the unit of work. Compared here by MikroORM's
 * own schema generator: tables, columns, types, collations, nullability, defaults, identity, primary keys, foreign
 * keys, enum values. Not compared, because entities cannot say them or would only repeat them: functions, triggers,
 * other checks (test/migrations/constraints) and indexes (test/migrations/indexes).
 */
const notDescribed = [
  /^drop function if exists /,
  /^drop trigger if exists /,
  /^drop table if exists "(schema_migrations|change_log|cache_epoch|cache_replies|cache_demand|cache_lifetimes|sweeps)"/,
  /^alter table "\w+" drop constraint "\w+_check"$/,
  // the partitions of a month; a view
  /^drop table if exists "interactions_\w+"/,
  /^(create|drop) view (if exists )?"ranked_contents"/,
  // a partitioned table's key includes what it is partitioned by
  /^alter table "interactions" (drop constraint "interactions_pkey"|add primary key \("id"\))$/,
  // PostgreSQL tells of no identity where a table is in partitions
  /^alter table "interactions" alter column "id" drop default$/,
  /^drop index "idx_/,
  // the exclusion constraint of prices
  /^(alter table "\w+" drop constraint|drop index) "\w+_excl"$/,
]

/** Foreign keys that cross from a domain or the platform to one it may not import. */
const crossing = [
  'baselines_taken_by_fkey',
  'contents_product_id_fkey',
  'feature_flags_organisation_id_fkey',
  'fx_snapshots_organisation_id_fkey',
  'fx_snapshots_payment_link_id_fkey',
  'idempotency_keys_organisation_id_fkey',
  'outbox_events_organisation_id_fkey',
]

describe('entities beside the migrated database', () => {
  it('describe the same tables, columns, defaults and foreign keys', async () => {
    const statements = await difference()
    const crossed = crossing.map((name) => `drop constraint "${name}"`)
    const surprising = statements.filter(
      (statement) => !crossed.some((fragment) => statement.endsWith(fragment)),
    )
    expect(surprising).to.deep.equal([])
  })

  it('leave out exactly the foreign keys that the order of the domains forbids', async () => {
    const dropped = (await difference()).flatMap((line) => /"(\w+_fkey)"$/.exec(line)?.[1] ?? [])
    expect(dropped.toSorted()).to.deep.equal(crossing)
  })
})

async function difference(): Promise<readonly string[]> {
  const orm = await MikroORM.init({
    clientUrl: await createDatabase(),
    entities: [...entities],
    ensureDatabase: false,
    namingStrategy: ColumnNames,
  })
  try {
    const update = await orm.schema.getUpdateSchemaSQL({ wrap: false })
    return update
      .split(/;\n/)
      .map((statement) => statement.trim())
      .filter((statement) => statement && !notDescribed.some((known) => known.test(statement)))
  } finally {
    await orm.close(true)
    // MikroORM 7.2.1 assigns an undeclared `idx` while it reads a schema; mocha would report the leak.
    Reflect.deleteProperty(globalThis, 'idx')
  }
}
