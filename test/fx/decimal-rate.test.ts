import { expect } from 'chai'
import * as fc from 'fast-check'
import { parseRate } from '../../shared/fx/decimal-rate.ts'
import { JsonNumber, parseStrictJson } from '../../shared/fx/strict-json.ts'

describe('fx decimal rates', () => {
  it('leaves a rate of at most 12 decimals exactly as published', () => {
    for (const text of [
      '1.1790',
      '134',
      '16477.11',
      '0.000000000001',
      '999999999999.999999999999',
    ]) {
      expect(parseRate(text)).to.equal(text)
    }
  })

  it('reads exponents, and rounds beyond 12 decimals half to even', () => {
    expect(parseRate('1.2e-7')).to.equal('0.000000120000')
    expect(parseRate('1.5E3')).to.equal('1500.000000000000')
    expect(parseRate('0.0000000000025')).to.equal('0.000000000002')
    expect(parseRate('0.0000000000035')).to.equal('0.000000000004')
    expect(parseRate('0.00000000000250001')).to.equal('0.000000000003')
  })

  it('refuses what is no positive decimal below 10^12', () => {
    for (const text of [
      '0',
      '0.0',
      '-1',
      '+1',
      '',
      ' 1',
      '1.',
      '.5',
      '1,5',
      '0x10',
      'NaN',
      'Infinity',
      '1e999',
      '1e12',
      '1e-13',
      '1_000',
      '١',
    ]) {
      expect(() => parseRate(text), text).to.throw('rate')
    }
  })

  it('never differs from the exact value by more than half of the last digit', () => {
    fc.assert(
      fc.property(fc.bigInt(1n, 10n ** 20n), fc.integer({ min: 9, max: 20 }), (digits, scale) => {
        const padded = digits.toString().padStart(scale + 1, '0')
        const text = `${padded.slice(0, -scale)}.${padded.slice(-scale)}`
        fc.pre(digits * 2n * 10n ** 12n > 10n ** BigInt(scale))
        const [whole = '', fraction = ''] = parseRate(text).split('.')
        const rounded = BigInt(whole + fraction.padEnd(20, '0'))
        const exact = digits * 10n ** BigInt(20 - scale)
        const error = rounded > exact ? rounded - exact : exact - rounded
        expect(error <= 5n * 10n ** 7n).to.equal(true)
      }),
      { seed: 26 },
    )
  })
})

describe('fx strict JSON', () => {
  it('agrees with JSON.parse on every document without repeated names', () => {
    const toPlain = (value: unknown): unknown => {
      if (value instanceof JsonNumber) {
        return Number(value.text)
      }
      if (Array.isArray(value)) {
        return value.map(toPlain)
      }
      return typeof value === 'object' && value !== null
        ? Object.fromEntries(Object.entries(value).map(([key, one]) => [key, toPlain(one)]))
        : value
    }
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), (text) => {
        expect(toPlain(parseStrictJson(text))).to.deep.equal(JSON.parse(text))
      }),
      { seed: 26 },
    )
  })

  it('finds a repeated name however it is escaped, and not one inside a string', () => {
    expect(() => parseStrictJson('{"a":1,"\\u0061":2}')).to.throw('stands twice')
    expect(() => parseStrictJson('{"x":{"a":1,"b":{},"a":2}}')).to.throw('stands twice')
    expect(parseStrictJson('{"a":"\\"a\\":1,{","b":{"a":"x"}}')).to.deep.equal({
      a: '"a":1,{',
      b: { a: 'x' },
    })
  })
})
