import { Client } from 'pg'
import { quietApplication } from '../../../shared/platform/cache/change.ts'
import { watch } from '../../../shared/platform/cache/watch.ts'
import { systemClock } from '../../../shared/platform/clock.ts'
import { systemRandom } from '../../../shared/platform/random.ts'
import { createDatabase } from '../../support/servers.ts'
import { openTcpGate, type TcpGate } from '../../support/tcp-gate.ts'
import type { Contender, Row } from './contender.ts'
import type { Course, Transaction } from './interleavings.ts'

/** A database with rows to race about. */
export type Courses = {
  /** One race of one contender; nothing of another is left in it. */
  lay(contender: Contender): Promise<Course & { readonly end: () => Promise<void> }>
  close(): Promise<void>
}

const boundMs = 1_000

const schema = [
  `create table race_rows (id text primary key, value text not null default 'old', follows text)`,
  `create function follow() returns trigger language plpgsql as $$
   begin update race_rows set value = new.value where follows = new.id; return null; end $$`,
  `create trigger follow after update of value on race_rows for each row execute function follow()`,
  ...watch('race_rows', { key: ['id'], keys: [], shown: ['value'] }),
]

const read = `
  select string_agg(value, '+' order by id) as value,
         case when pg_current_xact_id_if_assigned() is null
              then (select id from cache_epoch)::text || ' ' || pg_current_snapshot()::text end as stamp
    from race_rows where id = any ($1)`
const update = 'update race_rows set value = $1 where id = $2'

export async function openCourses(redisUrl: string): Promise<Courses> {
  const databaseUrl = await createDatabase()
  const app = await connect(databaseUrl, quietApplication)
  const psql = await connect(databaseUrl, 'psql')
  for (const statement of schema) {
    await app.query(statement)
  }

  return {
    async lay(contender) {
      const closes: (() => Promise<unknown>)[] = []
      const ways: { readonly data: TcpGate; readonly bus: TcpGate }[] = []
      const id = systemRandom.uuid()
      const ids = [`${id}-1`, `${id}-2`] as const
      await app.query('insert into race_rows (id) select unnest($1::text[])', [ids])
      const second = (): TcpGate | undefined => ways[1]?.bus
      return {
        ids,
        isShared: contender.isShared,
        async open() {
          const way = await openWay(redisUrl)
          ways.push(way)
          closes.push(async () => Promise.all([way.data.close(), way.bus.close()]))
          const at = ({ port }: TcpGate) => ({ host: '127.0.0.1', port })
          const place = { databaseUrl, redis: at(way.data), bus: at(way.bus), prefix: id }
          const instance = await contender.open(place)
          closes.push(() => instance.close())
          return instance
        },
        load: (wanted) => () => load(app, wanted),
        slow: (wanted) => slowly(() => load(app, wanted)),
        async write(wanted, value = 'new') {
          await app.query(update, [value, wanted])
        },
        async psql(text, values) {
          await psql.query(text, [...values])
        },
        async transaction() {
          const client = await connect(databaseUrl, quietApplication)
          closes.push(() => client.end())
          return begin(client)
        },
        messages: {
          hold: () => second()?.hold() ?? { open: () => undefined },
          cut: () => second()?.cut(),
          mend: () => second()?.mend(),
        },
        redis: {
          cut: () => ways.forEach(({ data, bus }) => [data, bus].forEach((gate) => gate.cut())),
          mend: () => ways.forEach(({ data, bus }) => [data, bus].forEach((gate) => gate.mend())),
        },
        within1s: eventually,
        async end() {
          for (const close of closes.toReversed()) {
            await Promise.race([close(), systemClock.sleep(boundMs)]).catch(() => undefined)
          }
        },
      }
    },
    async close() {
      await Promise.all([app.end(), psql.end()])
    },
  }
}

async function connect(url: string, applicationName: string): Promise<Client> {
  const client = new Client({ connectionString: url, application_name: applicationName })
  await client.connect()
  return client
}

async function openWay(redisUrl: string) {
  const port = Number(new URL(redisUrl).port)
  return { data: await openTcpGate(port), bus: await openTcpGate(port) }
}

async function load(client: Client, id: string): Promise<Row> {
  const { rows } = await client.query<Row>(read, [id.split('+')])
  const [row] = rows
  if (!row) {
    throw new Error('an aggregate always gives a row')
  }
  return row
}

function slowly(work: () => Promise<Row>): ReturnType<Course['slow']> {
  const reached = Promise.withResolvers<void>()
  const opened = Promise.withResolvers<void>()
  return {
    reached: reached.promise,
    open: opened.resolve,
    async load() {
      const row = await work()
      reached.resolve()
      await opened.promise
      return row
    },
  }
}

async function begin(client: Client): Promise<Transaction> {
  await client.query('begin')
  return {
    async write(id, value) {
      await client.query(update, [value, id])
    },
    load: (id) => () => load(client, id),
    async end(how) {
      await client.query(how)
    },
  }
}

async function eventually(again: () => Promise<string>, right: string): Promise<string> {
  const endMs = systemClock.monotonicMs() + boundMs
  for (;;) {
    const seen = await again()
    if (seen === right || systemClock.monotonicMs() > endMs) {
      return seen
    }
    await systemClock.sleep(5)
  }
}
