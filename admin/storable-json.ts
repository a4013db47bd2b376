/** Names of fields whose values are stored nowhere, wherever they stand. */
const secretFields: ReadonlySet<string> = new Set([
  'authorization',
  'cookie',
  'password',
  'secret',
  'token',
  'apikey',
  'email',
])
/** Deeper values are left out; inputs are refused before they are that deep. */
const depthMax = 40

/** The value as JSON that PostgreSQL takes, which knows no zero character and no half of a pair, with `null` in place of
 *  secrets.  @param secrets more names of fields */
export function storableJson(value: unknown, secrets: readonly string[] = []): string {
  const isSecret = (name: string): boolean =>
    secretFields.has(name.toLowerCase()) || secrets.includes(name)
  return JSON.stringify(storable(value, isSecret, 0))
}

/** As JSON would have it, since that is what the caller is given. */
function storable(value: unknown, isSecret: (name: string) => boolean, depth: number): unknown {
  if (typeof value === 'string') {
    return cleaned(value)
  }
  if (typeof value !== 'object' || value === null) {
    return typeof value === 'bigint' ? String(value) : (value ?? null)
  }
  if (value instanceof Date) {
    return value.toJSON()
  }
  if (depth >= depthMax) {
    return null
  }
  if (Array.isArray(value)) {
    return value.map((one) => storable(one, isSecret, depth + 1))
  }
  const entries = Object.entries(value).flatMap(([name, one]) =>
    one === undefined
      ? []
      : [[cleaned(name), isSecret(name) ? null : storable(one, isSecret, depth + 1)] as const],
  )
  return Object.fromEntries(entries)
}

const cleaned = (text: string): string => text.toWellFormed().replaceAll('\0', '\uFFFD')
