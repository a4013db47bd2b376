import { assets, formatMoney, moneyInput, parseDecimal, toDecimal, toWire } from '#money'
import { expect } from 'chai'
import * as fc from 'fast-check'

const active = assets.filter(({ isActive }) => isActive)

/** `path: message` of every fault, or what was understood. */
function read(value: unknown): unknown {
  const result = moneyInput.safeParse(value)
  return result.success
    ? result.data
    : result.error.issues.map(({ path, message }) => `${path.join('/')}: ${message}`)
}

describe('an amount from a caller', () => {
  it('is taken in every active asset, with its exponent or without', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...active),
        fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
        ({ code, exponent }, amount) => {
          const money = { amountMinor: amount, currency: code }
          expect(read({ amount, currency: code })).to.deep.equal(money)
          expect(read({ amount, currency: code, exponent })).to.deep.equal(money)
          expect(read(toWire(money))).to.deep.equal(money)
        },
      ),
    )
  })

  it('is refused with any other exponent', () => {
    for (const { code, exponent } of active) {
      for (const wrong of [0, 1, 2, 3, 4, 8].filter((one) => one !== exponent)) {
        expect(read({ amount: 1, currency: code, exponent: wrong })).to.deep.equal([
          `exponent: must be ${exponent}, the exponent of ${code}, or be left out`,
        ])
      }
    }
  })

  const whole = 'amount: must be a whole number of minor units'
  const range = 'amount: must be from 1 to 9007199254740991; larger numbers lose digits in JSON'
  const amounts: readonly (readonly [unknown, string])[] = [
    [0, 'amount: must be at least 1 minor unit'],
    [-5, 'amount: must be at least 1 minor unit'],
    [10.5, `${whole}, such as 1050 for 10.50`],
    [Number.NaN, `${whole}, such as 1050 for 10.50`],
    [Number.POSITIVE_INFINITY, `${whole}, such as 1050 for 10.50`],
    [2 ** 53, range],
    [1e300, range],
    ['1050', 'amount: must be a number, not a string'],
    [null, whole],
    [undefined, whole],
    [[1], whole],
    [true, whole],
  ]
  for (const [amount, fault] of amounts) {
    it(`of ${JSON.stringify(amount) ?? 'nothing'} (${String(amount)}) is refused`, () => {
      expect(read({ amount, currency: 'GBP' })).to.deep.equal([fault])
    })
  }

  const currencies: readonly (readonly [unknown, string])[] = [
    ['gbp', 'must be in upper case: GBP'],
    ['ZZZ', 'is not an ISO 4217 code or a known token'],
    ['XAU', 'is not an ISO 4217 code or a known token'],
    ['', 'is not an ISO 4217 code or a known token'],
    ['__proto__', 'is not an ISO 4217 code or a known token'],
    ['BGN', 'BGN was withdrawn; amounts in it can only be read'],
    [826, 'must be a currency code in upper case, such as GBP'],
    [undefined, 'must be a currency code in upper case, such as GBP'],
  ]
  for (const [currency, fault] of currencies) {
    it(`in ${String(currency) || 'an empty currency'} is refused`, () => {
      expect(read({ amount: 1, currency })).to.deep.equal([`currency: ${fault}`])
    })
  }

  it('is told all its faults at once', () => {
    expect(read({ amount: -1, currency: 'JPY', exponent: 2, cents: 5 })).to.have.members([
      'amount: must be at least 1 minor unit',
      'exponent: must be 0, the exponent of JPY, or be left out',
      ': Unrecognized key: "cents"',
    ])
  })
})

describe('a decimal', () => {
  for (const text of ['0', '-0', '1', '-12.50', '0.000000000001', '1234567890123456789012345']) {
    it(`may be ${text}`, () => {
      expect(parseDecimal(text)).to.equal(text)
    })
  }

  const refused = ['', ' 1', '1 ', '+1', '.5', '1.', '01', '1e3', '1E-7', 'NaN', 'Infinity', '1,5']
  for (const text of [
    ...refused,
    '0x1f',
    '1.0000000000001',
    `1${'0'.repeat(40)}`,
    '１',
    1.5,
    null,
  ]) {
    it(`may not be ${JSON.stringify(text)}`, () => {
      expect(() => parseDecimal(text)).to.throw()
    })
  }
})

describe('an amount for people', () => {
  const examples: readonly (readonly [number | bigint, string, string])[] = [
    [123_450, 'GBP', '£1,234.50'],
    [-5, 'GBP', '-£0.05'],
    [1_234, 'JPY', 'JP¥1,234'],
    [1_234, 'KWD', 'KWD\u00A01.234'],
    [12_345, 'CLF', 'CLF\u00A01.2345'],
    [1, 'HBAR', '0.00000001 HBAR'],
    [9_007_199_254_740_991, 'EUR', '€90,071,992,547,409.91'],
    [9_223_372_036_854_775_807n, 'USDC', '9,223,372,036,854.775807 USDC'],
  ]
  for (const [amountMinor, currency, text] of examples) {
    it(`of ${amountMinor} minor units of ${currency} reads ${text}`, () => {
      expect(formatMoney({ amountMinor, currency })).to.equal(text)
    })
  }

  it('as a decimal has exactly the decimals of the exponent', () => {
    expect([0, 2, 3, 4, 8].map((exponent) => toDecimal(-1050, exponent))).to.deep.equal([
      '-1050',
      '-10.50',
      '-1.050',
      '-0.1050',
      '-0.00001050',
    ])
  })
})
