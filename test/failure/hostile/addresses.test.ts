import { expect } from 'chai'
import { sql } from 'kysely'
import { addressOf } from '../../../api/http/remote-address.ts'
import { startApi } from '../../support/api.ts'
import { openHarbour, type Harbour } from '../../support/harbour.ts'

// H13: whom X-Forwarded-For is believed of. What the API takes for the address stands in the activity log.

describe('an API whose clients write addresses into X-Forwarded-For', () => {
  let harbour: Harbour
  let turn = 0
  before(async () => {
    harbour = await openHarbour()
  })
  after(() => harbour.business.lifecycle.stop())

  /** The address that a write is recorded with. */
  async function addressSeen(
    trustProxy: number | readonly string[],
    headers: Readonly<Record<string, string>>,
  ): Promise<string | undefined> {
    const { business, tenant } = harbour
    const api = await startApi(business, { trustProxy })
    const { status } = await api.call('POST', '/api/v2/payment-links', {
      as: tenant.secretKey,
      body: { currency: 'GBP' },
      headers: { 'idempotency-key': `a${(turn += 1)}`, ...headers },
    })
    expect(status).to.equal(201)
    const [row] = await business.db.run(
      sql<{ ip: string | null }>`select host(ip) as ip from activity_log order by id desc limit 1`,
    )
    return row?.ip ?? undefined
  }

  const spoofs: readonly Readonly<Record<string, string>>[] = [
    { 'x-forwarded-for': '203.0.113.9' },
    { 'x-forwarded-for': '::ffff:203.0.113.9' },
    { 'x-forwarded-for': '127.0.0.1, 203.0.113.9' },
    { forwarded: 'for=203.0.113.9' },
    {
      'x-real-ip': '203.0.113.9',
      'true-client-ip': '203.0.113.9',
      'cf-connecting-ip': '203.0.113.9',
    },
  ]

  it('believes nobody where no proxy is trusted', async () => {
    for (const headers of spoofs) {
      expect(await addressSeen(0, headers), JSON.stringify(headers)).to.equal('127.0.0.1')
    }
  })

  it('believes one proxy about the last address, and not what its client wrote before', async () => {
    for (const [header, expected] of [
      ['203.0.113.9', '203.0.113.9'],
      ['10.9.9.9, 127.0.0.1, 203.0.113.9', '203.0.113.9'],
      ['198.51.100.1, ::ffff:203.0.113.9', '203.0.113.9'],
      ['::FFFF:203.0.113.9', '203.0.113.9'],
      ['2001:db8::1', '2001:db8::1'],
      ['203.0.113.9, fe80::1%eth0', 'fe80::1'],
      ['203.0.113.9, no address', undefined],
      ['203.0.113.9, 1.2.3.4:5', undefined],
      [`${'10.0.0.1, '.repeat(500)}203.0.113.9`, '203.0.113.9'],
    ] as const) {
      const seen = await addressSeen(1, { 'x-forwarded-for': header })
      expect(seen, header.slice(-60)).to.equal(expected)
    }
  })

  it('believes the named networks alone, from the nearest on', async () => {
    for (const [networks, header, expected] of [
      [['10.0.0.0/8'], '203.0.113.9', '127.0.0.1'],
      [['loopback'], '198.51.100.7, 203.0.113.9', '203.0.113.9'],
      [['loopback', '203.0.113.0/24'], '198.51.100.7, 203.0.113.9', '198.51.100.7'],
      [['loopback', '203.0.113.0/24'], '10.1.1.1, 198.51.100.7, 203.0.113.9', '198.51.100.7'],
    ] as const) {
      expect(await addressSeen(networks, { 'x-forwarded-for': header })).to.equal(expected)
    }
  })

  it('takes one address for one, however it is written', () => {
    for (const ip of ['203.0.113.9', '::ffff:203.0.113.9', '::FFFF:203.0.113.9']) {
      expect(addressOf({ ip })).to.equal('203.0.113.9')
    }
    for (const ip of ['', 'localhost', '203.0.113.9:80', '[::1]', "1'--", '::ffff:1']) {
      expect(addressOf({ ip })).to.be.oneOf([undefined, '::ffff:1'])
    }
  })
})
