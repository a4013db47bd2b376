import { sql } from 'kysely'
import { Client } from 'pg'
import { createLink, newLinkSchema } from '../../shared/payments/index.ts'
import { findCaller, recordActivity } from '../../shared/members/index.ts'
import { quietApplication } from '../../shared/platform/cache/change.ts'
import { unwatch } from '../../shared/platform/cache/watch.ts'
import { transaction } from '../../shared/platform/database/transaction.ts'
import {
  addTenant,
  ecbRates,
  openBusiness,
  publishRates,
  type Business,
} from '../support/business.ts'
import { createDatabase } from '../support/servers.ts'
import { compare } from './cpu.ts'

const linksCount = 20_000
const bulkCount = 10_000

type Side = {
  readonly calls: Readonly<Record<string, () => Promise<unknown>>>
  readonly backendPids: readonly number[]
  readonly walBytes: () => Promise<number>
  readonly close: () => Promise<void>
}

/** What the change log costs those who write: the same writes on the tables as they are and on tables that nothing watches, in
 *  turns. Creating a link is the transaction of the API (link, two items, event, four rates, outbox, activity) without its
 *  HTTP, from a writer of the API's name; the rest is SQL of another name, which notifies. CPU and bytes of WAL for each call. */
export async function watchedWrite(): Promise<void> {
  const watched = await openSide(true)
  const bare = await openSide(false)
  const sides = { 'not watched': bare, watched }
  const backendPids = [...bare.backendPids, ...watched.backendPids]
  print(['', '', 'Node µs', 'PostgreSQL µs', 'both', 'WAL bytes'])
  for (const name of Object.keys(watched.calls)) {
    const isBulk = name.includes(String(bulkCount))
    const callsPerRound = isBulk ? 1 : 100
    const calls = Object.entries(sides).map(([side, { calls: all }]) => {
      return [side, all[name] ?? (() => Promise.reject(new Error(name)))] as const
    })
    const spent = await compare(Object.fromEntries(calls), {
      backendPids,
      rounds: isBulk ? 9 : 15,
      callsPerRound,
    })
    const base = spent['not watched']
    for (const [side, call] of calls) {
      const { node = 0, postgres = 0 } = spent[side] ?? {}
      const ratio = (node + postgres) / ((base?.node ?? 0) + (base?.postgres ?? 0))
      const before = await bare.walBytes()
      for (let done = 0; done < callsPerRound; done += 1) {
        await call()
      }
      const wal = ((await bare.walBytes()) - before) / callsPerRound
      const figures = [
        Math.round(node),
        Math.round(postgres),
        `${ratio.toFixed(2)} x`,
        Math.round(wal),
      ]
      print([name, side, ...figures.map(String)])
    }
  }
  await watched.close()
  await bare.close()
}

function print([what = '', side = '', ...figures]: readonly string[]): void {
  console.log(
    [what.padEnd(42), side.padEnd(12), ...figures.map((one) => one.padStart(14))].join(''),
  )
}

async function openSide(isWatched: boolean): Promise<Side> {
  const url = await createDatabase()
  const business = await openBusiness({ url, fx: { providers: ['ecb'] }, connectionsMax: 1 })
  const { db, lifecycle } = business
  if (!isWatched) {
    const watching = await db.run(sql<{ name: string }>`
      select distinct tgrelid::regclass::text as name from pg_trigger where tgname = 'watch_insert'`)
    for (const statement of watching.flatMap(({ name }) => unwatch(name))) {
      await db.run(sql`${sql.raw(statement)}`)
    }
  }
  const create = await creating(business)
  const client = new Client({ connectionString: url })
  await client.connect()
  const linkId = await fill(client)
  // Of the one connection of the pool, from here on.
  await db.run(sql`set application_name to ${sql.lit(quietApplication)}`)
  const pid = sql<{ pid: number }>`select pg_backend_pid() as pid`
  const [ours] = await db.run(pid)
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
  let count = 0
  const run =
    (name: string, text: string, values: readonly unknown[] = []) =>
    () =>
      client.query({ name, text, values: [`text ${(count += 1)}`, ...values] })
  return {
    backendPids: [ours?.pid ?? 0, rows[0]?.pid ?? 0],
    calls: {
      'create a payment link': create,
      'update of a row': run('one', `update payment_links set ${shown} where id = $2`, [linkId]),
      'update of a row, column not watched': run(
        'idle',
        `update payment_links set ${hidden} where id = $2`,
        [linkId],
      ),
      [`update of ${bulkCount} rows`]: run('bulk', `update payment_links set ${shown} ${many}`),
      [`update of ${bulkCount} rows, column not watched`]: run(
        'bulk-idle',
        `update payment_links set ${hidden} ${many}`,
      ),
    },
    async walBytes() {
      const { rows: found } = await client.query<{ at: string }>(
        `select pg_current_wal_insert_lsn() - '0/0' as at`,
      )
      return Number(found[0]?.at)
    },
    async close() {
      await client.end()
      await lifecycle.stop()
    },
  }
}

const shown = 'description = $1'
const hidden = `created_by = case when $1 = '' then created_by end`
const many = `where id in (select id from payment_links order by created_at limit ${bulkCount})`

async function creating(business: Business): Promise<() => Promise<unknown>> {
  const tenant = await addTenant(business, 'harbour')
  await publishRates(business, ecbRates)
  const caller = await findCaller(business.db, tenant.secretKey)
  if (!caller) {
    throw new Error('the key of the tenant does not work')
  }
  const input = newLinkSchema.parse({
    currency: 'GBP',
    items: [
      { name: 'Lantern', quantity: 2, unitAmount: 500 },
      { name: 'Ribbon', quantity: 1, unitAmount: 50 },
    ],
  })
  return () =>
    transaction(business, async (tx) => {
      const subjectId = await createLink(tx, business, caller, input)
      await recordActivity(tx, { caller, action: 'payment-link.created', subjectId })
    })
}

/** Links to update; their frozen rates are not what is measured. */
async function fill(client: Client): Promise<string> {
  await client.query('set session_replication_role = replica')
  await client.query(`
    insert into payment_links (organisation_id, short_code, status, amount_minor, currency, accepted_assets, fx_set_id)
    select id, lpad(to_hex(n), 10, '0'), 'open', n, 'GBP', '{EUR,USD,AUD,JPY}', gen_random_uuid()
      from organisations, generate_series(1, ${linksCount}) as n`)
  await client.query('reset session_replication_role')
  await client.query('vacuum (analyze) payment_links')
  const { rows } = await client.query<{ id: string }>('select id from payment_links limit 1')
  return rows[0]?.id ?? ''
}
