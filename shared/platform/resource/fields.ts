import { sql, type RawBuilder } from 'kysely'
import { z } from 'zod'
import { joinPieces, type Piece } from './json-pieces.ts'

/** Gives the SQL of a column of the row that is being read. */
export type ColumnOf<Column extends string> = (name: Column) => RawBuilder<unknown>

/**
 * One public field of an item: which columns it needs, how PostgreSQL renders it as JSON, what the JSON looks like,
 * and how the same value is written in a query parameter. Fields are the allow-list of what leaves the house.
 */
export type Field<Column extends string = string> = {
  readonly columns: readonly Column[]
  readonly render: (column: ColumnOf<Column>) => readonly Piece[]
  /** The JSON is null where one of the columns is NULL. */
  readonly isNullable?: true
  /** The JSON value, for documentation, clients and tests. */
  readonly schema: z.ZodType
  /** A filter's value as it stands in the URL; absent where the field cannot be filtered or sorted by. */
  readonly parameter?: z.ZodType<string>
}

const plain = <C extends string>(
  column: C,
  schema: z.ZodType,
  parameter?: z.ZodType<string>,
): Field<C> => ({
  columns: [column],
  render: (columnOf) => [sql`${columnOf(column)}::text`],
  schema,
  ...(parameter && { parameter }),
})

/** A value that holds nothing that JSON would escape. */
const quoted = <C extends string>(column: C): Pick<Field<C>, 'render'> => ({
  render: (columnOf) => ['"', sql`${columnOf(column)}::text`, '"'],
})

/** A value as PostgreSQL makes JSON of it, with what has to be escaped. */
const escaped = <C extends string>(column: C): Pick<Field<C>, 'render'> => ({
  render: (columnOf) => [sql`to_json(${columnOf(column)})::text`],
})

/** Longest text that a filter accepts; longer values match no index and only cost parsing. */
const parameterCharactersMax = 200
const textParameter = z
  .string()
  .min(1)
  .max(parameterCharactersMax)
  .refine((value) => !value.includes('\0'), 'must not contain a NUL character')
  .refine((value) => value.isWellFormed(), 'must be well-formed Unicode')

export const uuid = <C extends string>(column: C): Field<C> => ({
  ...plain(column, z.uuid(), z.uuid().toLowerCase()),
  ...quoted(column),
})

export const text = <C extends string>(column: C): Field<C> => ({
  ...plain(column, z.string(), textParameter),
  ...escaped(column),
})

/** The greatest values of PostgreSQL's `integer` and `smallint`. */
const integerMax = 2_147_483_647
export const smallintMax = 32_767

/** A whole number. @param max bound of a filter's value, so that none is too great for the column's type */
export const integer = <C extends string>(column: C, max = integerMax): Field<C> =>
  plain(
    column,
    z.int(),
    z
      .string()
      .regex(/^-?\d{1,10}$/, 'must be a whole number')
      .refine((value) => Math.abs(Number(value)) <= max, `must be from -${max} to ${max}`),
  )

/** A `double precision` column, as the shortest decimal that is read back as the same number. */
export const double = <C extends string>(column: C): Field<C> => plain(column, z.number())

export const flag = <C extends string>(column: C): Field<C> => plain(column, z.boolean())

/** A `text[]` column as a JSON array. */
export const texts = <C extends string>(column: C): Field<C> => ({
  ...plain(column, z.array(z.string())),
  ...escaped(column),
})

/** A `jsonb` column that holds an object. */
export const object = <C extends string>(column: C): Field<C> =>
  plain(column, z.record(z.string(), z.unknown()))

/** One of a few words, to which a check of the table holds the column. */
export const oneOf = <C extends string>(
  column: C,
  values: readonly [string, ...string[]],
): Field<C> => ({ ...plain(column, z.enum(values), z.enum(values)), ...quoted(column) })

/** A bigint identity as text: JavaScript numbers end at 2^53. */
export const sequence = <C extends string>(column: C): Field<C> => ({
  ...plain(column, z.string().regex(/^\d+$/)),
  ...quoted(column),
})

/** A numeric column as decimal text, digit for digit. */
export const decimal = <C extends string>(column: C): Field<C> => ({
  ...plain(column, z.string().regex(/^-?\d+(\.\d+)?$/)),
  ...quoted(column),
})

const firstInstant = '0001-01-01T00:00:00.000Z'
const lastInstant = '9999-12-31T23:59:59.999Z'

/** What of RFC 3339 PostgreSQL reads as an instant. */
const storable = /^(?!0000)[^.+]{19}(\.\d{1,9})?(Z|[+-](0\d|1[0-5]):\d\d)$/

/** A timestamptz column as RFC 3339 in UTC with milliseconds; what lies beyond its years 1 to 9999, and infinity, is the first
 *  or the last instant of them. In a query it must name its zone.
 *  JSON's own way of writing it costs little more than half of to_char. It leaves zeros at the end away, so one microsecond
 *  is put behind the milliseconds, and cut off with the digits beyond them. UTC is said as an interval, since the name of a
 *  zone is looked up for every value. */
export const instant = <C extends string>(column: C): Field<C> => ({
  ...plain(
    column,
    z.iso.datetime(),
    z.iso
      .datetime({ offset: true, error: 'must be RFC 3339 with a zone, as 2026-11-22T08:00:00Z' })
      .regex(
        storable,
        'must be in the years 0001 to 9999, of 9 decimals and a zone of 15:59 hours',
      ),
  ),
  render: (columnOf) => [
    sql`case when ${columnOf(column)} > ${sql.lit(lastInstant)} then ${sql.lit(`"${lastInstant.slice(0, -1)}`)}
             when ${columnOf(column)} < ${sql.lit(firstInstant)} then ${sql.lit(`"${firstInstant.slice(0, -1)}`)}
             else left(to_json(
               date_trunc('milliseconds', ${columnOf(column)} at time zone interval '0') + interval '1 microsecond'
             )::text, ${sql.lit(lastInstant.length)}) end`,
    'Z"',
  ],
})

/** Says that a column may be NULL, and the field null. */
export const nullable = <C extends string>(field: Field<C>): Field<C> => ({
  ...field,
  isNullable: true,
  render: (columnOf) => [sql`coalesce(${joinPieces(field.render(columnOf))}, 'null')`],
  schema: field.schema.nullable(),
})
