import { hash } from 'node:crypto'
import { sql, type Kysely, type RawBuilder } from 'kysely'
import type { Prepared } from '../database/database.ts'

/** A value that is only known when the statement runs; stands in the statement where a bind parameter will be. */
class Slot {
  readonly name: string

  constructor(name: string) {
    this.name = name
  }
}

/** The place of a value in a statement that is compiled once and run many times. */
export const slot = (name: string): RawBuilder<unknown> => sql`${new Slot(name)}`

/** The values of one run, by the names of their slots. */
export type SlotValues = Readonly<Record<string, unknown>>

/** Turns an expression into the text of a statement and the names of the slots behind its `$1`, `$2` … */
export type Compile = (statement: RawBuilder<unknown>) => {
  readonly text: string
  readonly slots: readonly string[]
}

type Compiled = {
  readonly text: string
  readonly digest: string
  readonly slots: readonly string[]
  uses: number
  name?: string
}

/** Compiled statements that are kept; clients choose `fields` and filters, so there may be very many. */
const keptMax = 1_000
/** Statements that PostgreSQL keeps a plan of, in each connection. They are never dropped, so they are given out only to
 *  what is asked again and again. */
const namedMax = 200
const usesBeforeName = 5

/**
 * Statements by the shape of the read that they serve: building and compiling one costs more than running it, and
 * PostgreSQL plans one under a name only a few times. What a caller sends is never part of a text, only of its values.
 */
export class PreparedStatements {
  readonly #kysely: Kysely<unknown>
  readonly #kept = new Map<string, Compiled>()
  #named = 0

  /** @param kysely compiles; it runs nothing */
  constructor(kysely: Kysely<unknown>) {
    this.#kysely = kysely
  }

  /** Names the text of a statement in a few characters: equal for equal texts, also in other processes.
   *  @param shape says everything that the text depends on */
  digest(shape: string, build: (compile: Compile) => RawBuilder<unknown>): string {
    return this.#find(shape, build).digest
  }

  /** @param shape says everything that the text depends on */
  get<Row>(
    shape: string,
    build: (compile: Compile) => RawBuilder<Row>,
    values: SlotValues,
  ): Prepared<Row> {
    const compiled = this.#find(shape, build)
    compiled.uses += 1
    if (compiled.uses === usesBeforeName && this.#named < namedMax) {
      this.#named += 1
      compiled.name = `read-${this.#named}`
    }
    const { text, name, slots } = compiled
    const prepared = { text, values: slots.map((one) => valueOf(values, one)) }
    return name === undefined ? prepared : { ...prepared, name }
  }

  #find(shape: string, build: (compile: Compile) => RawBuilder<unknown>): Compiled {
    const known = this.#kept.get(shape)
    const compiled = known ?? this.#new(build(this.#compile))
    this.#kept.delete(shape)
    this.#kept.set(shape, compiled) // the order of a Map is the order of use
    const [oldest] = this.#kept.keys()
    if (this.#kept.size > keptMax && oldest !== undefined) {
      this.#kept.delete(oldest)
    }
    return compiled
  }

  #new(statement: RawBuilder<unknown>): Compiled {
    const { text, slots } = this.#compile(statement)
    return { text, slots, digest: hash('sha256', text, 'base64url').slice(0, 12), uses: 0 }
  }

  readonly #compile: Compile = (statement) => {
    const { sql: text, parameters } = statement.compile(this.#kysely)
    const slots = parameters.map((one) => {
      if (!(one instanceof Slot)) {
        throw new Error(`a value stands in the statement where a slot should: ${text}`)
      }
      return one.name
    })
    return { text, slots }
  }
}

function valueOf(values: SlotValues, name: string): unknown {
  const value = values[name]
  if (value === undefined) {
    throw new Error(`the statement was run without a value for ${name}`)
  }
  return value
}
