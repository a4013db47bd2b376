import type { Database } from '#platform/database/database'

/** Statements that a database was sent, with their parameters, from now on. Connections opened before are not heard. */
export function recordStatements(db: Database): {
  readonly sent: { readonly text: string; readonly values: readonly unknown[] }[]
  /** How many of them name the table or function. */
  count(name: string): number
} {
  const sent: { text: string; values: readonly unknown[] }[] = []
  db.pool.on('connect', (client) => {
    const query = client.query.bind(client)
    Object.assign(client, {
      query(...given: unknown[]) {
        const [first, second] = given
        const text = typeof first === 'string' ? first : String(Reflect.get(Object(first), 'text'))
        const values: unknown = second ?? Reflect.get(Object(first), 'values')
        sent.push({ text, values: Array.isArray(values) ? values : [] })
        return Reflect.apply(query, client, given)
      },
    })
  })
  return {
    sent,
    count: (name) => sent.filter(({ text }) => new RegExp(`\\b${name}\\b`).test(text)).length,
  }
}
