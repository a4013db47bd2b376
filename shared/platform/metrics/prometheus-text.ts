import type { HistogramPoint, Labels, Metric } from '../telemetry/metric.ts'

/** What Prometheus is told that the text is. */
export const prometheusType = 'text/plain; version=0.0.4; charset=utf-8'

/** Metrics in the text format of Prometheus, by its conventions for names: dots become underscores, the unit is a suffix,
 *  and counters end in `_total`. */
export function prometheusText(metrics: readonly Metric[]): string {
  return metrics.flatMap(textsOf).join('')
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

/** Pieces, joined once at the end: a megabyte that is copied for each step would cost most of a scrape. */
function textsOf(metric: Metric): readonly string[] {
  const name = prometheusName(metric)
  const lines =
    metric.kind === 'histogram'
      ? histogramLines(name, metric.points)
      : metric.points.map(
          ({ labels, value }) => `${name}${braced(pairsOf(labels))} ${numberText(value)}\n`,
        )
  const help = `# HELP ${name} ${escapeHelp(metric.description)}\n# TYPE ${name} ${metric.kind}\n`
  return lines.length === 0 ? [] : [help, ...lines]
}

/** Most of what there is to write: labels are put together once for each series, and ends of classes once for all. */
function histogramLines(name: string, points: readonly HistogramPoint[]): readonly string[] {
  let known: { readonly bounds: readonly number[]; readonly ends: readonly string[] } | undefined
  return points.map(({ labels, bounds, counts, sum }) => {
    known = known?.bounds === bounds ? known : { bounds, ends: [...bounds.map(String), '+Inf'] }
    const pairs = pairsOf(labels)
    const begin = `${name}_bucket{${pairs}${pairs === '' ? '' : ','}le="`
    let total = 0
    let text = ''
    for (let index = 0; index < known.ends.length; index += 1) {
      total += counts[index] ?? 0
      text += `${begin}${known.ends[index]}"} ${total}\n`
    }
    const all = braced(pairs)
    return `${text}${name}_sum${all} ${numberText(sum)}\n${name}_count${all} ${total}\n`
  })
}

const braced = (pairs: string): string => (pairs === '' ? '' : `{${pairs}}`)

function pairsOf(labels: Labels): string {
  let pairs = ''
  for (const name in labels) {
    const begin = pairs === '' ? '' : ','
    pairs += `${begin}${name.replaceAll('.', '_')}="${escapeValue(labels[name] ?? '')}"`
  }
  return pairs
}

function numberText(value: number): string {
  if (Number.isFinite(value)) {
    return String(value)
  }
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'
}

const escapeHelp = (text: string): string =>
  text.replaceAll('\\', String.raw`\\`).replaceAll('\n', String.raw`\n`)

const special = /["\\\n]/

const escapeValue = (text: string): string =>
  special.test(text) ? escapeHelp(text).replaceAll('"', String.raw`\"`) : text
