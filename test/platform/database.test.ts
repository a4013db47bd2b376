import { expect } from 'chai'
import { sql } from 'kysely'
import { createLifecycle } from '#platform/lifecycle'
import { createLog } from '#platform/log'
import { openDatabase } from '#platform/database/database'
import { createDatabase } from '../support/servers.ts'

describe('database', () => {
  it('opens', async () => {
    const log = createLog('test', 'silent')
    const lifecycle = createLifecycle(log)
    const db = await openDatabase(
      {
        url: await createDatabase(),
        applicationName: 'x',
        connectionsMax: 20,
        acquireTimeoutMs: 2000,
        idleTimeoutMs: 30000,
        statementTimeoutMs: 4000,
        queryTimeoutMs: 5000,
        lockTimeoutMs: 1000,
        idleInTransactionTimeoutMs: 10000,
      },
      [],
      { log, lifecycle },
    )
    expect(await db.run(sql`select count(*) as n, ${'x'} as p from assets`)).to.deep.equal([
      { n: '180', p: 'x' },
    ])
    expect(
      (
        await db.run(
          sql<object>`select uuid_v7('2010-12-01T00:00:00Z') as u, round_half_even(2.5,0) a, round_half_even(-3.5,0) b, round_half_even(1.005,2) c, divide_half_even(1,3,12) d, convert_minor(1000, 1.5, 2, 0) e`,
        )
      )[0],
    ).to.include({ a: '2', b: '-4', c: '1.00', d: '0.333333333333', e: '15' })
    expect(
      await db.run(
        sql`select * from fx_cross_rates('GBP', array['USD','EUR'], array['ecb'], now())`,
      ),
    ).to.deep.equal([])
    await db.fork().transactional(async (em) => {
      await em.execute(
        'insert into organisations (name, slug, default_currency, settlement_assets) values (?, ?, ?, array[?])',
        ['a', 'b', 'GBP', ['EUR', 'USD', 'AUD', 'JPY']],
      )
    })
    await lifecycle.stop()
  })
})
