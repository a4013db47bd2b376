import { expect } from 'chai'
import { sql } from 'kysely'
import { loggableError, safeMessage } from '#platform/loggable-error'
import { openBusiness, type Business } from '../support/business.ts'

const canary = 'canary "of" someone@example.org'

describe('an error on its way into the log', () => {
  let business: Business
  before(async () => {
    business = await openBusiness()
  })
  after(() => business.lifecycle.stop())

  const failing = (statement: ReturnType<typeof sql>) =>
    business.db.run(statement).then(
      () => new Error('it worked'),
      (error: unknown) => error,
    )

  it('keeps what a unique violation is about and loses whose it is', async () => {
    const insert = sql`insert into admin_tokens (name, role, token_hash, last_four)
      select 'a', 'viewer', convert_to(${canary}::text, 'UTF8'), 'abcd' from generate_series(1, 2)`
    const error = await failing(insert)
    expect(String(Reflect.get(Object(error), 'detail'))).to.include('token_hash')
    const logged = loggableError(error)
    expect(logged).to.include({
      code: '23505',
      constraint: 'idx_admin_tokens_hash',
      severity: 'ERROR',
    })
    expect(logged).not.to.have.property('detail')
    expect(logged).to.have.property('stack').that.includes('at ')
  })

  it('loses the row of a violated check', async () => {
    const error =
      await failing(sql`insert into payment_link_items (organisation_id, payment_link_id, position, name,
      quantity, unit_amount_minor) values (uuid_v7(), uuid_v7(), 1, ${canary}, 0, 1)`)
    expect(JSON.stringify(error)).to.include('someone@example.org')
    expect(JSON.stringify(loggableError(error))).not.to.include('someone')
  })

  it('loses the value that does not fit, in message and stack, also inside a cause', async () => {
    const error = await failing(sql`select ${canary}::uuid`)
    expect(String(error)).to.include(canary)
    const wrapped = new Error('reading failed', { cause: error })
    const logged = JSON.stringify(loggableError(wrapped))
    expect(logged).to.include('invalid input syntax for type uuid').and.include('reading failed')
    expect(logged).not.to.include('canary')
    expect(error).to.be.instanceOf(Error)
    expect(error instanceof Error ? safeMessage(error) : '').not.to.include('canary')
  })

  it('keeps every cause and every part, up to a depth', () => {
    const loop = new Error('outer')
    loop.cause = loop
    expect(JSON.stringify(loggableError(loop)).match(/"outer"/g)).to.have.length(6)
    const many = new AggregateError([new Error('one'), new Error('two')], 'both')
    expect(loggableError(many)).to.have.nested.property('errors[1].message', 'two')
    expect(loggableError('text of somebody')).to.equal('a thrown string')
  })
})
