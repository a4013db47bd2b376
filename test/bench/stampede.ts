import { sql } from 'kysely'
import { addMember, addTenant, openBusiness, type Business } from '../support/business.ts'
import { createDatabase, redisUrl } from '../support/servers.ts'
import { startForked } from './forked.ts'
import { machineMs } from './machine-clock.ts'

const processesCount = 4
const readersCount = 10_000
const keysCount = 20

/** Readers of a cold key, all at once in several processes: the statements that reach PostgreSQL, as it counts them itself. */
export async function printStampedes(): Promise<void> {
  const redis = redisUrl()
  console.log(
    `${keysCount} cold keys, each asked for by ${readersCount} readers at once in ${processesCount} processes`,
  )
  const isOne = redis === undefined ? undefined : await stampede(redis, 1)
  const isOneEach = await stampede(undefined, processesCount)
  if (isOne === undefined) {
    console.log('without Redis alone: no binary of it is on PATH')
  }
  if (isOne === false || !isOneEach) {
    process.exitCode = 1
  }
}

/** Whether no key cost more than `statementsMax`, and everybody was given the same answer. */
async function stampede(redis: string | undefined, statementsMax: number): Promise<boolean> {
  const business = await openBusiness({ url: await createDatabase(), connectionsMax: 2 })
  await business.db.run(sql`create extension pg_stat_statements`)
  const { organisationId } = await addTenant(business, 'stampede')
  const processes = Array.from({ length: processesCount }, () =>
    startForked<object, { bodies: string[]; answers: number }>('stampede', {
      url: business.url,
      redisUrl: redis,
    }),
  )
  const statements: number[] = []
  let isSame = true
  for (let key = 0; key < keysCount; key += 1) {
    const { memberId: id } = await addMember(business, organisationId, `${key}@example.com`)
    await business.db.run(sql`select pg_stat_statements_reset()`)
    const startAtMs = machineMs() + 50
    const question = { organisationId, id, readers: readersCount / processesCount, startAtMs }
    const answers = await Promise.all(processes.map((one) => one.ask(question)))
    const bodies = new Set(answers.flatMap((one) => one.bodies))
    isSame &&= bodies.size === 1 && [...bodies][0]?.includes(id) === true
    statements.push(await readsOfMembers(business))
  }
  await Promise.all(processes.map((one) => one.stop()))
  await business.lifecycle.stop()
  const [least, most] = [Math.min(...statements), Math.max(...statements)]
  console.log(
    `${redis === undefined ? 'without' : 'with   '} Redis: statements for a key ${least} to ${most}, at most ${statementsMax} promised; for all keys ${statements.reduce((sum, one) => sum + one, 0)}; answers ${isSame ? 'all equal' : 'NOT equal'}`,
  )
  return most <= statementsMax && isSame
}

async function readsOfMembers({ db }: Business): Promise<number> {
  const [row] = await db.run(sql<{ calls: number }>`
    select coalesce(sum(calls), 0)::integer as calls from pg_stat_statements
     where dbid = (select oid from pg_database where datname = current_database())
       and query ~ '\\mmembers\\M' and query !~ 'pg_stat_statements'`)
  return row?.calls ?? 0
}
