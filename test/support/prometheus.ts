/** One line of the text format of Prometheus. */
export type Sample = {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
  /** Name and labels as they stand. */
  readonly series: string
}

/** Reads the text format; fails for a line that is none, a series that comes twice, or one whose type was not told. */
export function parsePrometheus(text: string): readonly Sample[] {
  const types = new Set<string>()
  const seen = new Set<string>()
  return text.split('\n').flatMap((line) => {
    const type = /^# TYPE (\w+) (counter|gauge|histogram)$/.exec(line)?.[1]
    if (type !== undefined) {
      types.add(type)
    }
    return line === '' || line.startsWith('# ') ? [] : [parseLine(line, types, seen)]
  })
}

function parseLine(line: string, types: ReadonlySet<string>, seen: Set<string>): Sample {
  const match = /^(([a-z_][a-z0-9_]*)(?:\{(.*)\})?) (-?[\d.e+-]+|\+Inf|NaN)$/i.exec(line)
  const [, series = '', name = '', labels = '', value = ''] = match ?? []
  const isTyped = types.has(name) || types.has(name.replace(/_(bucket|sum|count)$/, ''))
  if (!match || seen.has(series) || !isTyped) {
    throw new Error(`not the text format of Prometheus: ${line}`)
  }
  seen.add(series)
  const pairs = [...labels.matchAll(/([a-z_]\w*)="((?:[^"\\]|\\.)*)",?/gi)]
  return {
    name,
    series,
    labels: Object.fromEntries(pairs.map(([, key = '', text = '']) => [key, text])),
    value: value === '+Inf' ? Infinity : Number(value),
  }
}
