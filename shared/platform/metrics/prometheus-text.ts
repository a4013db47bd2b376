import type { HistogramPoint, Labels, Metric } from '../telemetry/metric.ts'

/** What Prometheus is told that the text is. */
export const prometheusType = 'text/plain; version=0.0.4; charset=utf-8'

/** Metrics in the text format of Prometheus, by its conventions for names: dots become underscores, the unit is a suffix,
 *  and counters end in `_total`. */
export function prometheusText(metrics: readonly Metric[]): string {
  return metrics.map(textOf).join('')
}

/** The name under which Prometheus keeps a metric. */
export function prometheusName({
  name,
  unit,
  kind,
}: Pick<Metric, 'name' | 'unit' | 'kind'>): string {
  const plain = name.replaceAll(/\W/g, '_')
  const suffix = unit === '1' && kind === 'counter' ? '' : (suffixes[unit] ?? '')
  const measured = plain.endsWith(suffix) ? plain : `${plain}${suffix}`
  return kind === 'counter' ? `${measured}_total` : measured
}

const suffixes: Readonly<Record<string, string>> = { s: '_seconds', By: '_bytes', '1': '_ratio' }

function textOf(metric: Metric): string {
  const name = prometheusName(metric)
  const type = { counter: 'counter', gauge: 'gauge', histogram: 'histogram' }[metric.kind]
  const lines =
    metric.kind === 'histogram'
      ? metric.points.flatMap((point) => histogramLines(name, point))
      : metric.points.map(({ labels, value }) => line(name, labels, value))
  return lines.length === 0
    ? ''
    : `# HELP ${name} ${escapeHelp(metric.description)}\n# TYPE ${name} ${type}\n${lines.join('')}`
}

function histogramLines(name: string, { labels, bounds, counts, sum }: HistogramPoint): string[] {
  let total = 0
  const lines = Array.from(counts, (count, index) => {
    total += count
    const le = bounds[index] === undefined ? '+Inf' : String(bounds[index])
    return line(`${name}_bucket`, { ...labels, le }, total)
  })
  return [...lines, line(`${name}_sum`, labels, sum), line(`${name}_count`, labels, total)]
}

function line(name: string, labels: Labels, value: number): string {
  const pairs = Object.entries(labels).map(
    ([label, text]) => `${label.replaceAll(/\W/g, '_')}="${escapeValue(text)}"`,
  )
  return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${numberText(value)}\n`
}

function numberText(value: number): string {
  return Number.isFinite(value)
    ? String(value)
    : Number.isNaN(value)
      ? 'NaN'
      : value > 0
        ? '+Inf'
        : '-Inf'
}

const escapeHelp = (text: string): string =>
  text.replaceAll('\\', String.raw`\\`).replaceAll('\n', String.raw`\n`)

const escapeValue = (text: string): string => escapeHelp(text).replaceAll('"', String.raw`\"`)
