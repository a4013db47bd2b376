import { expect } from 'chai'
import * as fc from 'fast-check'
import { sql } from 'kysely'
import { assets, money } from '#money'
import * as fields from '#platform/resource/fields'
import { joinPieces } from '#platform/resource/json-pieces'
import { openBusiness, type Business } from '../../support/business.ts'

type Typed = { readonly value: unknown; readonly type: string }

describe('a field as PostgreSQL writes it', () => {
  let business: Business
  before(async () => {
    business = await openBusiness()
  })
  after(() => business.lifecycle.stop())

  /** The JSON text of a field whose columns have these values. */
  async function written(field: fields.Field, values: Readonly<Record<string, Typed>>) {
    const column = (name: string) =>
      sql`${values[name]?.value ?? null}::${sql.raw(values[name]?.type ?? 'text')}`
    const [row] = await business.db.run(
      sql<{ json: string | null }>`select ${joinPieces(field.render(column))} as json`,
    )
    return row?.json ?? undefined
  }
  const read = async (field: fields.Field, value: unknown, type: string): Promise<unknown> => {
    const json = await written(field, { c: { value, type } })
    const parsed: unknown = JSON.parse(json ?? 'nothing')
    field.schema.parse(parsed)
    return parsed
  }

  // NUL cannot be stored, nor half of a surrogate pair.
  const anyText = fc
    .string({ unit: 'binary' })
    .map((text) => text.replaceAll('\0', '').toWellFormed())

  it('gives any text back as it is', async () => {
    const property = async (text: string, more: readonly string[]): Promise<void> => {
      expect(await read(fields.text('c'), text, 'text')).to.equal(text)
      expect(await read(fields.texts('c'), [...more, text], 'text[]')).to.deep.equal([
        ...more,
        text,
      ])
      const document = { [text]: [text, 1.5, null, { text }] }
      expect(await read(fields.object('c'), JSON.stringify(document), 'jsonb')).to.deep.equal(
        document,
      )
    }
    await fc.assert(fc.asyncProperty(anyText, fc.array(anyText), property), { numRuns: 150 })
    for (const text of ['"', '\\', '\\"', '\n\r\t\b\f', '\u001F', '\u007F', '\u2028', '😀', '']) {
      expect(await read(fields.text('c'), text, 'text')).to.equal(text)
    }
  })

  it('gives any instant in UTC with three digits, whatever the session says, cut and not rounded', async () => {
    const instant = fc.date({
      min: new Date('0001-01-01T00:00:00Z'),
      max: new Date('9999-12-31T23:59:59.999Z'),
      noInvalidDate: true,
    })
    const zone = fc.constantFrom('UTC', 'Asia/Kolkata', 'America/St_Johns')
    const property = async (at: Date, micro: number, timeZone: string): Promise<void> => {
      const text = at.toISOString().replace('Z', `${String(micro).padStart(3, '0')}Z`)
      await business.db.run(sql`select set_config('TimeZone', ${timeZone}, false),
        set_config('DateStyle', 'German', false)`)
      expect(await read(fields.instant('c'), text, 'timestamptz')).to.equal(at.toISOString())
    }
    await fc.assert(fc.asyncProperty(instant, fc.constantFrom(0, 1, 500, 999), zone, property), {
      numRuns: 300,
    })
    expect(await read(fields.instant('c'), '2026-12-31T23:59:59.999999Z', 'timestamptz')).to.equal(
      '2026-12-31T23:59:59.999Z',
    )
  })

  it('gives the first or last instant of RFC 3339 for one beyond them, so that every answer can be read', async () => {
    const last = '9999-12-31T23:59:59.999Z'
    const first = '0001-01-01T00:00:00.000Z'
    const beyond = {
      infinity: last,
      '10000-01-01T00:00:00Z': last,
      '-infinity': first,
      '0044-03-15 BC': first,
    }
    for (const [value, wanted] of Object.entries(beyond)) {
      expect(await read(fields.instant('c'), value, 'timestamptz'), value).to.equal(wanted)
    }
    expect(await read(fields.instant('c'), '9999-12-31T23:59:59.999999Z', 'timestamptz')).to.equal(
      last,
    )
  })

  it('gives numbers digit for digit, and words as they are', async () => {
    expect(await read(fields.integer('c'), -2_147_483_648, 'integer')).to.equal(-2_147_483_648)
    expect(await read(fields.flag('c'), true, 'boolean')).to.equal(true)
    expect(await read(fields.flag('c'), false, 'boolean')).to.equal(false)
    const long = '12345678901234567890.123456789012'
    expect(await read(fields.decimal('c'), long, 'numeric')).to.equal(long)
    expect(await read(fields.sequence('c'), '9223372036854775807', 'bigint')).to.equal(
      '9223372036854775807',
    )
    const id = '0190163d-8694-739b-aea5-966c26f8ad91'
    expect(await read(fields.uuid('c'), id.toUpperCase(), 'uuid')).to.equal(id)
    expect(await read(fields.oneOf('c', ['open', 'paid']), 'paid', 'text')).to.equal('paid')
  })

  it('gives every currency its exponent', async () => {
    for (const { code, exponent } of assets) {
      const amount = { value: '-9007199254740991', type: 'bigint' }
      const currency = { value: code, type: 'varchar' }
      const json = await written(money('amount', 'currency'), { amount, currency })
      expect(json).to.equal(
        `{"amount":-9007199254740991,"currency":"${code}","exponent":${exponent}}`,
      )
    }
  })

  it('gives null where a column is NULL and the field says so, of every kind', async () => {
    const kinds = {
      text: fields.text('c'),
      uuid: fields.uuid('c'),
      integer: fields.integer('c'),
      boolean: fields.flag('c'),
      'text[]': fields.texts('c'),
      jsonb: fields.object('c'),
      numeric: fields.decimal('c'),
      bigint: fields.sequence('c'),
      timestamptz: fields.instant('c'),
    }
    for (const [type, field] of Object.entries(kinds)) {
      expect(await read(fields.nullable(field), null, type), type).to.equal(null)
    }
    const amount = await written(fields.nullable(money('amount', 'currency')), {
      amount: { value: null, type: 'bigint' },
      currency: { value: 'GBP', type: 'varchar' },
    })
    expect(amount).to.equal('null')
  })
})
