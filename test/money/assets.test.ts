import { assets, findAsset } from '#money'
import { expect } from 'chai'
import { Client } from 'pg'
import { createDatabase } from '../support/servers.ts'

describe('the asset list', () => {
  it('is what the migrated database holds, row for row', async () => {
    const client = new Client({ connectionString: await createDatabase() })
    await client.connect()
    const { rows } = await client.query<object>(
      `select code, kind, exponent, name, is_active as "isActive",
              staleness_seconds_max as "stalenessSecondsMax"
         from assets order by code`,
    )
    await client.end()
    const listed = assets.toSorted((a, b) => (a.code < b.code ? -1 : 1))
    expect(rows).to.deep.equal(listed)
  })

  it('has each code once', () => {
    expect(new Set(assets.map(({ code }) => code)).size).to.equal(assets.length)
  })

  const exponents = { JPY: 0, GBP: 2, KWD: 3, CLF: 4, HBAR: 8, USDC: 6, USDT: 6, AUDD: 6 }
  for (const [code, exponent] of Object.entries(exponents)) {
    it(`counts ${code} with exponent ${exponent}`, () => {
      expect(findAsset(code)?.exponent).to.equal(exponent)
    })
  }
})
