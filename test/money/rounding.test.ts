import { assets, convertMinor, divideHalfEven, roundHalfEven } from '#money'
import { expect } from 'chai'
import * as fc from 'fast-check'
import { Client } from 'pg'
import { createDatabase } from '../support/servers.ts'

/** A decimal in digits; tests build from it both the text and the exact fraction. */
type Digits = { readonly units: bigint; readonly scale: number }

const huge = 10n ** 24n
const digits = (max = huge): fc.Arbitrary<Digits> =>
  fc.record({
    // small numbers too, since ties are rare among big ones
    units: fc.oneof(fc.bigInt({ min: -max, max }), fc.bigInt({ min: -2_000n, max: 2_000n })),
    scale: fc.integer({ min: 0, max: 12 }),
  })
const positive = digits(10n ** 18n).map(({ units, scale }) => ({
  units: units < 0n ? -units : units + 1n,
  scale,
}))
const scales = fc.integer({ min: -6, max: 12 })
const exponents = fc.constantFrom(...new Set(assets.map(({ exponent }) => exponent)))
const runs = { numRuns: 60 }
const batch = { minLength: 1, maxLength: 60 }

describe('rounding half to even', () => {
  let client: Client
  before(async () => {
    client = new Client({ connectionString: await createDatabase() })
    await client.connect()
  })
  after(() => client.end())

  async function inSql(expression: string, rows: readonly (readonly unknown[])[]) {
    const columns = (rows[0] ?? []).map((_, column) => rows.map((row) => String(row[column])))
    const { rows: answers } = await client.query<{ answer: string }>(
      `select (${expression})::text as answer
         from unnest(${columns.map((_, n) => `$${n + 1}::text[]`).join(', ')})
              with ordinality as given (${columns.map((_, n) => 'abcd'[n]).join(', ')}, position)
        order by position`,
      columns,
    )
    return answers.map(({ answer }) => answer)
  }

  it('of a decimal is exact, and the same in SQL', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(digits(), scales), batch), async (cases) => {
        const ours = cases.map(([value, scale]) => roundHalfEven(text(value), scale))
        cases.forEach(([value, scale], n) =>
          expectNearest(ours[n] ?? '', { over: value.units, under: ten(value.scale), scale }),
        )
        const rows = cases.map(([value, scale]) => [text(value), scale])
        expect(await inSql('round_half_even(a::numeric, b::integer)', rows)).to.deep.equal(ours)
      }),
      runs,
    )
  })

  it('of a quotient is exact and rounds once, and the same in SQL', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(digits(), positive, scales), batch), async (cases) => {
        const ours = cases.map(([a, b, scale]) => divideHalfEven(text(a), text(b), scale))
        cases.forEach(([a, b, scale], n) =>
          expectNearest(ours[n] ?? '', {
            over: a.units * ten(b.scale),
            under: b.units * ten(a.scale),
            scale,
          }),
        )
        const rows = cases.map(([a, b, scale]) => [text(a), text(b), scale])
        const sql = 'divide_half_even(a::numeric, b::numeric, c::integer)'
        expect(await inSql(sql, rows)).to.deep.equal(ours)
      }),
      runs,
    )
  })

  it('of a conversion is exact between all exponents, and the same in SQL', async () => {
    const amounts = fc.oneof(
      fc.bigInt({ min: 0n, max: 2n ** 53n - 1n }),
      fc.bigInt({ min: -500n, max: 500n }),
    )
    const rates = digits(10n ** 12n).map(({ units, scale }) => ({
      units: (units < 0n ? -units : units) + 1n,
      scale,
    }))
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(amounts, rates, exponents, exponents), batch),
        async (all) => {
          const cases = all.filter(([amount, rate, from, to]) => fits(amount, rate, to - from))
          fc.pre(cases.length > 0)
          const ours = cases.map(([amount, rate, from, to]) =>
            String(convertMinor(amount, text(rate), { from, to })),
          )
          cases.forEach(([amount, rate, from, to], n) =>
            expectNearest(ours[n] ?? '', {
              over: amount * rate.units * ten(to),
              under: ten(rate.scale) * ten(from),
              scale: 0,
            }),
          )
          const rows = cases.map(([amount, rate, from, to]) => [amount, text(rate), from, to])
          const sql = 'convert_minor(a::bigint, b::numeric, c::integer, d::integer)'
          expect(await inSql(sql, rows)).to.deep.equal(ours)
        },
      ),
      runs,
    )
  })

  const ties: readonly (readonly [string, number, string])[] = [
    ['0.5', 0, '0'],
    ['1.5', 0, '2'],
    ['2.5', 0, '2'],
    ['-0.5', 0, '0'],
    ['-1.5', 0, '-2'],
    ['-2.5', 0, '-2'],
    ['1.005', 2, '1.00'],
    ['1.015', 2, '1.02'],
    ['2.500000000001', 0, '3'],
    ['250', -2, '200'],
    ['350', -2, '400'],
    ['0', 3, '0.000'],
  ]
  for (const [value, scale, rounded] of ties) {
    it(`takes ${value} at scale ${scale} to ${rounded}, here and in SQL`, async () => {
      expect(roundHalfEven(value, scale)).to.equal(rounded)
      const sql = 'round_half_even(a::numeric, b::integer)'
      expect(await inSql(sql, [[value, scale]])).to.deep.equal([rounded])
    })
  }

  it('refuses to divide by zero, here and in SQL', async () => {
    expect(() => divideHalfEven('1', '0.00', 2)).to.throw(RangeError, 'division by zero')
    const attempt = inSql('divide_half_even(a::numeric, b::numeric, 2)', [['1', '0.00']])
    expect(await attempt.catch((error: { code: string }) => error.code)).to.equal('22012')
  })

  it('refuses a result that no bigint holds, here and in SQL', async () => {
    const exponentsOf = { from: 0, to: 8 }
    expect(() => convertMinor(2n ** 53n, '99999', exponentsOf)).to.throw(RangeError, 'bigint')
    const attempt = inSql('convert_minor(a::bigint, b::numeric, 0, 8)', [[2n ** 53n, '99999']])
    expect(await attempt.catch((error: { code: string }) => error.code)).to.equal('22003')
  })

  for (const scale of [13, -19, 0.5, Number.NaN]) {
    it(`refuses scale ${scale}`, () => {
      expect(() => roundHalfEven('1', scale)).to.throw(RangeError)
    })
  }
})

const ten = (exponent: number): bigint => 10n ** BigInt(exponent)
const absolute = (value: bigint): bigint => (value < 0n ? -value : value)

function text({ units, scale }: Digits): string {
  const plain = String(absolute(units)).padStart(scale + 1, '0')
  const split = plain.length - scale
  const sign = units < 0n ? '-' : ''
  return scale > 0 ? `${sign}${plain.slice(0, split)}.${plain.slice(split)}` : `${sign}${plain}`
}

/** What "half to even" means, without saying how: no representable number is nearer, and of two equally near ones the
 *  even one was taken. `under` is above zero. */
function expectNearest(
  answer: string,
  exact: { readonly over: bigint; readonly under: bigint; readonly scale: number },
): void {
  const steps =
    exact.scale < 0 ? BigInt(answer) / ten(-exact.scale) : BigInt(answer.replace('.', ''))
  const over = exact.scale < 0 ? exact.over : exact.over * ten(exact.scale)
  const under = exact.scale < 0 ? exact.under * ten(-exact.scale) : exact.under
  const twiceOff = 2n * absolute(steps * under - over)
  expect(twiceOff <= under, `${answer} is not nearest to ${over}/${under}`).to.equal(true)
  if (twiceOff === under) {
    expect(steps % 2n, `${answer} is odd at a tie`).to.equal(0n)
  }
}

function fits(amount: bigint, rate: Digits, shift: number): boolean {
  const over = absolute(amount) * rate.units * ten(Math.max(shift, 0))
  return over / (ten(rate.scale) * ten(Math.max(-shift, 0))) < 2n ** 63n - 1n
}
