import {
  isRaw,
  raw,
  type AbortQueryOptions,
  type Configuration,
  type LoggingOptions,
} from '@mikro-orm/core'
import {
  NativeQueryBuilder,
  PostgreSqlConnection,
  PostgreSqlDriver,
  PostgreSqlPlatform,
} from '@mikro-orm/postgresql'
import { CompiledQuery } from 'kysely'

/**
 * MikroORM 7 writes every value into the text of its statements; personal data would then stand in server logs,
 * `pg_stat_activity` and spans. This driver sends the same statements with `$1` bind parameters instead.
 * It renders through the platform's own formatter and replaces only the quoting of a value by a placeholder, so raw
 * fragments, identifiers and `in (?)` lists keep their meaning. Refused: redacting afterwards, which forgets.
 */
export class BoundPostgreSqlDriver extends PostgreSqlDriver {
  constructor(config: Configuration) {
    super(config)
    Object.assign(this, { connection: new BoundConnection(this.config) })
    Object.assign(this.platform, { marshallArray })
  }
}

/** An array literal in which every text is quoted. MikroORM's own leaves the word null bare, which is then stored as
 *  NULL, and writes a line break as the letter n. */
function marshallArray(values: readonly (string | number | bigint | boolean | null)[]): string {
  const elements = values.map((value) =>
    value === null ? 'NULL' : `"${String(value).replaceAll(/[\\"]/g, String.raw`\$&`)}"`,
  )
  return `{${elements.join(',')}}`
}

type Execute = PostgreSqlConnection['execute']

class BoundConnection extends PostgreSqlConnection {
  override execute: Execute = async (...[query, params = [], method = 'all', ctx, context]) => {
    await this.ensureConnection()
    const fragment = toFragment(query, params)
    const { sql, parameters } = bind(fragment.sql, fragment.params)
    const client = ctx ?? this.getClient()
    const { signal, inflightQueryAbortStrategy, ...logged } = withAbort(context)
    const abort = signal
      ? { signal, ...(inflightQueryAbortStrategy && { inflightQueryAbortStrategy }) }
      : {}
    return this.executeQuery(
      sql,
      async () => {
        const result = await client.executeQuery(CompiledQuery.raw(sql, parameters), abort)
        return this.transformRawResult(result, method)
      },
      { ...logged, query: sql },
    )
  }
}

/** A value inside a statement becomes `$n`; the statement's own fragments and identifiers stay text. */
class BindingPlatform extends PostgreSqlPlatform {
  readonly parameters: unknown[] = []

  override quoteValue(value: unknown): string {
    if (isRaw(value)) {
      return this.formatQuery(value.sql, value.params)
    }
    if (Array.isArray(value)) {
      return value.map((one) => this.quoteValue(one)).join(', ')
    }
    this.parameters.push(toParameter(value))
    return `$${this.parameters.length}`
  }
}

/** Renders `?` placeholders as `$1`, `$2` … and returns the values beside the text. */
export function bind(
  sql: string,
  values: readonly unknown[],
): { sql: string; parameters: unknown[] } {
  const platform = new BindingPlatform()
  return { sql: platform.formatQuery(sql, values), parameters: platform.parameters }
}

/** The entity manager hands its abort signal down inside the logger's context. */
function withAbort(context: Parameters<Execute>[4]): LoggingOptions & AbortQueryOptions {
  return context ?? {}
}

function toFragment(
  query: Parameters<Execute>[0],
  params: NonNullable<Parameters<Execute>[1]>,
): { sql: string; params: readonly unknown[] } {
  if (query instanceof NativeQueryBuilder) {
    return query.toRaw()
  }
  if (isRaw(query)) {
    return query
  }
  return Array.isArray(params) ? { sql: query, params } : raw(query, params)
}

function toParameter(value: unknown): unknown {
  const isPlain = Object.prototype.toString.call(value) === '[object Object]'
  return isPlain ? JSON.stringify(value) : value
}
