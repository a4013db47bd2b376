import { expect } from 'chai'
import { isOutage } from '#platform/database/outage'

const coded = (code: string, message = 'failed') => Object.assign(new Error(message), { code })

describe('an outage of the database', () => {
  const outages: Readonly<Record<string, Error>> = {
    'a host name with two addresses that refuse': Object.assign(
      new AggregateError([coded('ECONNREFUSED'), coded('ECONNREFUSED')], ''),
      { code: 'ECONNREFUSED' },
    ),
    'parts that say why, under a whole that does not': new AggregateError([coded('ETIMEDOUT')], ''),
    'a broken pipe, whose code looks like an SQLSTATE': coded('EPIPE', 'write EPIPE'),
    'a name that is not resolved': coded('EAI_AGAIN'),
    'a server that stops': coded('57P01'),
    'a disk that is full': coded('53100'),
    'a server that can only be read': coded('25006'),
    'a cause below a wrapper': new Error('select 1 - failed', { cause: coded('08006') }),
    'a pool that is used up': new Error('timeout exceeded when trying to connect'),
    'a pool that is being closed': new Error('Cannot use a pool after calling end on the pool'),
    'a client that broke before': new Error(
      'Client has encountered a connection error and is not queryable',
    ),
  }
  for (const [name, error] of Object.entries(outages)) {
    it(`is ${name}`, () => {
      expect(isOutage(error)).to.equal(true)
    })
  }

  it('is nothing that would fail again', () => {
    for (const error of [
      coded('23505'),
      coded('22P02'),
      coded('42703'),
      new Error('ECONNREFUSED'),
      1,
    ]) {
      expect(isOutage(error)).to.equal(false)
    }
  })
})
