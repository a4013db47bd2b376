import { runWith } from '#platform/database/database'
import { sqlState } from '#platform/database/transaction'
import { expect } from 'chai'
import { sql } from 'kysely'
import { once } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import { connect, createServer, type Socket } from 'node:net'
import { createDatabase } from '../../support/servers.ts'
import { open, rejection, type Opened } from './open.ts'

describe('the pool', () => {
  const opened: Opened[] = []
  const openPool = async (...options: Parameters<typeof open>): Promise<Opened['db']> => {
    const one = await open(...options)
    opened.push(one)
    return one.db
  }
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((one) => one.close()))
  })

  it('really has the limits it was given', async () => {
    const { pool } = await openPool()
    expect(pool.options).to.include({
      max: 20,
      min: 0,
      connectionTimeoutMillis: 2_000,
      idleTimeoutMillis: 30_000,
      query_timeout: 5_000,
      keepAlive: true,
    })
  })

  it('tells its limits to the server', async () => {
    const db = await openPool()
    const names = [
      'application_name',
      'statement_timeout',
      'lock_timeout',
      'idle_in_transaction_session_timeout',
    ]
    const rows = await db.run(
      sql<{ setting: string }>`select current_setting(name) as setting
        from unnest(${names}::text[]) with ordinality as wanted (name, position) order by position`,
    )
    expect(rows.map(({ setting }) => setting)).to.deep.equal(['tidegate-test', '4s', '1s', '10s'])
  })

  it('ends a statement at the statement timeout, and the connection is good for the next', async () => {
    const db = await openPool({ statementTimeoutMs: 100, connectionsMax: 1 })
    const error = await rejection(db.run(sql`select pg_sleep(5)`))
    expect(sqlState(error)).to.equal('57014')
    expect(await db.run(sql`select 1 as n`)).to.deep.equal([{ n: 1 }])
    expect(db.statistics()).to.include({ active: 0, idle: 1 })
  })

  it('gives up a row lock at the lock timeout', async () => {
    const db = await openPool({ lockTimeoutMs: 100 })
    await db.fork().transactional(async (em) => {
      await em.execute(`select * from assets where code = 'EUR' for update`)
      const error = await rejection(db.run(sql`select * from assets where code = 'EUR' for update`))
      expect(sqlState(error)).to.equal('55P03')
    })
  })

  it('ends a session that idles in a transaction, and survives it', async () => {
    const db = await openPool({ idleInTransactionTimeoutMs: 100, connectionsMax: 1 })
    const client = await db.pool.connect()
    const ended = once(client, 'error')
    await client.query('begin')
    const [error] = (await ended) as [Error]
    client.release(error)
    expect(sqlState(error)).to.equal('25P03')
    expect(await db.run(sql`select 1 as n`)).to.deep.equal([{ n: 1 }])
  })

  it('fails at the acquire timeout when every connection is taken, and says who waits', async () => {
    const db = await openPool({ connectionsMax: 2, acquireTimeoutMs: 150 })
    const taken = await Promise.all([db.pool.connect(), db.pool.connect()])
    try {
      const startedMs = performance.now()
      const waiting = rejection(db.run(sql`select 1`))
      while (db.statistics().waiting === 0) {
        await setImmediate()
        expect(performance.now() - startedMs).to.be.below(140)
      }
      expect(db.statistics()).to.deep.equal({ active: 2, idle: 0, waiting: 1, max: 2 })
      expect((await waiting).message).to.include('timeout exceeded when trying to connect')
      expect(performance.now() - startedMs).to.be.within(140, 1_500)
    } finally {
      taken.forEach((client) => client.release())
    }
    expect(await db.run(sql`select 1 as n`)).to.deep.equal([{ n: 1 }])
  })

  it('never opens more connections than its limit under a crowd', async () => {
    const db = await openPool({ connectionsMax: 3 })
    const counts = await Promise.all(
      Array.from({ length: 60 }, async () => {
        await db.run(sql`select pg_sleep(0.002)`)
        return db.pool.totalCount
      }),
    )
    expect(Math.max(...counts)).to.be.at.most(3)
    expect(db.statistics()).to.include({ active: 0, waiting: 0 })
  })

  it('replaces a connection that the server terminated', async () => {
    const db = await openPool({ connectionsMax: 1 })
    const [before] = await db.run(sql<{ pid: number }>`select pg_backend_pid() as pid`)
    const error = await rejection(db.run(sql`select pg_terminate_backend(pg_backend_pid())`))
    expect(sqlState(error)).to.equal('57P01')
    const [after] = await db.run(sql<{ pid: number }>`select pg_backend_pid() as pid`)
    expect(after?.pid).not.to.equal(before?.pid)
  })

  it('closes the connection to a server that stops answering, also in a transaction', async () => {
    const target = new URL(await createDatabase())
    const proxy = await freezable(Number(target.port))
    try {
      const url = new URL(target)
      url.port = String(proxy.port)
      const db = await openPool({ url: url.href, queryTimeoutMs: 300, connectionsMax: 1 })
      const startedMs = performance.now()
      const error = await rejection(
        db.fork().transactional(async (em) => {
          await em.execute('select 1')
          proxy.freeze()
          await em.execute('select 2')
        }),
      )
      expect(error.message).to.include('Query read timeout')
      // One timeout, not two: the ROLLBACK does not wait behind the query that never ends.
      expect(performance.now() - startedMs).to.be.below(590)
      expect(db.pool.totalCount).to.equal(0)
      proxy.thaw()
      expect(await db.run(sql`select 1 as n`)).to.deep.equal([{ n: 1 }])
    } finally {
      proxy.close()
    }
  })

  it('loses no place when BEGIN is never answered', async () => {
    const target = new URL(await createDatabase())
    const proxy = await freezable(Number(target.port))
    try {
      const url = new URL(target)
      url.port = String(proxy.port)
      const db = await openPool({ url: url.href, queryTimeoutMs: 200, connectionsMax: 1 })
      await db.run(sql`select 1`)
      proxy.freeze()
      const error = await rejection(db.fork().transactional((em) => em.execute('select 1')))
      expect(error.message).to.include('Query read timeout')
      expect(db.statistics()).to.deep.equal({ active: 0, idle: 0, waiting: 0, max: 1 })
      proxy.thaw()
      await db.fork().transactional((em) => em.execute('select 1'))
    } finally {
      proxy.close()
    }
  })

  for (const moment of ['during a statement', 'between statements', 'before COMMIT']) {
    it(`loses no place when the server ends a transaction ${moment}`, async () => {
      const url = await createDatabase()
      const db = await openPool({ url, connectionsMax: 2 })
      const rival = await openPool({ url })
      for (let round = 0; round < 3; round += 1) {
        await rejection(
          db.fork().transactional(async (em) => {
            const [row] = await runWith(em, sql<{ pid: number }>`select pg_backend_pid() as pid`)
            if (moment === 'during a statement') {
              await em.execute('select pg_terminate_backend(pg_backend_pid())')
            }
            await rival.run(sql`select pg_terminate_backend(${row?.pid}, 2000)`)
            if (moment === 'between statements') {
              await em.execute('select 1')
            }
          }),
        )
      }
      expect(db.statistics()).to.include({ active: 0, waiting: 0 })
      expect(await db.run(sql`select 1 as n`)).to.deep.equal([{ n: 1 }])
    })
  }

  it('hands raw bigint, numeric and timestamptz out as text, with every digit', async () => {
    const db = await openPool()
    const rows = await db.run(
      sql`select 9007199254740993::bigint as n, 1.10::numeric as r,
                 '2026-01-02T03:04:05.123456Z'::timestamptz at time zone 'UTC' as t, null as nothing`,
    )
    expect(rows).to.deep.equal([
      { n: '9007199254740993', r: '1.10', t: '2026-01-02 03:04:05.123456', nothing: null },
    ])
  })

  it('is closed by the lifecycle, also twice', async () => {
    const one = await open()
    await one.db.run(sql`select 1`)
    await one.close()
    await one.close()
    expect(one.db.pool.totalCount).to.equal(0)
    expect(one.db.pool.ended).to.equal(true)
  })
})

/** A TCP relay that can stop passing bytes on without closing anything, like a server that was stopped. */
async function freezable(port: number) {
  const sockets = new Set<Socket>()
  let isFrozen = false
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1')
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from)
      from.on('data', (bytes) => isFrozen || to.write(bytes))
      from.on('close', () => to.destroy())
      from.on('error', () => to.destroy())
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    freeze: () => {
      isFrozen = true
    },
    thaw: () => {
      isFrozen = false
    },
    close: () => {
      sockets.forEach((socket) => socket.destroy())
      server.close()
    },
  }
}
