import { openBusiness, type Business } from '../support/business.ts'
import { recordStatements } from '../support/statements.ts'
import { createFx, type Fx } from '../../shared/fx/index.ts'
import { sql } from 'kysely'
import {
  clockAt,
  eager,
  fxOptions,
  json,
  recorded,
  startPublisher,
  type Publisher,
} from '../fx/world.ts'

/** What a publisher of many currencies answers: a recorded document, some of whose codes stand for pairs to ask for. */
const text = recorded('currency-api/eur.2026.9.29.json')

/** A business whose only rates come from a publisher on this machine that answers after a while. */
export type QuotedBusiness = Business & {
  readonly publisher: Publisher
  /** So many currencies that the publisher quotes against GBP. */
  readonly quotes: readonly string[]
  /** The same rates with ENABLE_FX_BATCH=false. */
  readonly singleFx: Fx
  /** Statements that the database was sent since `forget`, those of locks included. */
  statements(): number
  /** Forgets every rate. */
  forget(): Promise<void>
}

export async function openQuotedBusiness(
  quotesCount: number,
  latencyMs: number,
): Promise<QuotedBusiness> {
  const publisher = await startPublisher()
  publisher.answer = (request, response) =>
    void setTimeout(() => json(text)(request, response), latencyMs)
  const { sources, http } = fxOptions(publisher.origin)
  const business = await openBusiness({
    clock: clockAt('2026-09-29T12:00:00Z'),
    fx: { providers: ['currency-api'], sources, http, askAgainMs: 0 },
  })
  const { db, lifecycle } = business
  const { sent } = recordStatements(db)
  lifecycle.defer('publisher', () => publisher.close())
  const quoted = Object.keys(JSON.parse(text).eur).map((code) => code.toUpperCase())
  const rows = await db.run(sql<{ code: string }>`
    select code from assets
     where kind = 'fiat' and code <> 'GBP' and code = any(${quoted}::text[])
     order by code in ('EUR', 'USD', 'AUD', 'JPY') desc, code limit ${quotesCount}`)
  const parts = { ...business, random: eager }
  const options = { ...business.fx.options, sources, http }
  return {
    ...business,
    fx: createFx(options, parts),
    singleFx: createFx({ ...options, isBatchEnabled: false }, parts),
    statements: () => sent.length,
    publisher,
    quotes: rows.map(({ code }) => code),
    async forget() {
      await db.run(sql`delete from fx_rates`)
      await db.run(sql`delete from fx_batches`)
      publisher.calls = 0
      sent.length = 0
    },
  }
}
