/** The fields of a head that are new in every answer. */
export type NewFields = Record<(typeof newFields)[number], string | undefined>

const newFields = [
  'Date',
  'Request-Id',
  'Cache-Status',
  'Age',
  'RateLimit-Policy',
  'RateLimit',
  'Server-Timing',
] as const

/** The text of a head as it was sent, in pieces: what stands before each field that is new in every answer, and after the
 *  last one. */
export type RecordedHead = {
  readonly pieces: readonly string[]
  readonly fields: readonly (keyof NewFields)[]
}

/** @param text what Node sent, the empty line at its end included */
export function recordHead(text: string): RecordedHead {
  const found = newFields
    .map((field) => ({ field, at: text.indexOf(`\r\n${field}: `) }))
    .filter(({ at }) => at >= 0)
    .map(({ field, at }) => ({
      field,
      from: at + field.length + 4,
      until: text.indexOf('\r\n', at + 2),
    }))
    .toSorted((one, other) => one.from - other.from)
  const starts = [0, ...found.map(({ until }) => until)]
  const ends = [...found.map(({ from }) => from), text.length]
  return {
    pieces: starts.map((start, index) => text.slice(start, ends[index])),
    fields: found.map(({ field }) => field),
  }
}

/** The text with new values. */
export function renderHead({ pieces, fields }: RecordedHead, values: NewFields): string {
  let text = pieces[0] ?? ''
  for (let index = 0; index < fields.length; index += 1) {
    const field = fields[index]
    text += (field && values[field]) ?? ''
    text += pieces[index + 1] ?? ''
  }
  return text
}
