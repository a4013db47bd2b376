/** The names in an expression of PromQL, found without a parser: enough to tell a name that does not exist. */
export type PromqlNames = {
  readonly metrics: readonly string[]
  readonly labels: readonly string[]
}

const words = new Set(
  'and or unless by without on ignoring group_left group_right bool offset inf nan'.split(' '),
)

/** Reads the names. Variables of Grafana (`$job`, `$__rate_interval`) and texts are none. */
export function promqlNames(expr: string): PromqlNames {
  const plain = expr
    .replaceAll(/"(?:[^"\\]|\\.)*"/g, '""')
    .replaceAll(/\[[^\]]*\]/g, '')
    .replaceAll(/\$\w+/g, '')
  const labels: string[] = []
  const withoutLabels = plain
    .replaceAll(/\{([^}]*)\}/g, (_, matchers: string) => {
      labels.push(...[...matchers.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, name = '']) => name))
      return ''
    })
    .replaceAll(
      /\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)/g,
      (_, names: string) => {
        labels.push(...names.split(',').map((name) => name.trim()))
        return ' '
      },
    )
  const metrics = [...withoutLabels.matchAll(/(?<![\w.])[a-zA-Z_:][\w:]*(?!\w*\s*\()/g)]
    .map(([name]) => name)
    .filter((name) => !words.has(name))
  return {
    metrics: [...new Set(metrics)],
    labels: [...new Set(labels)].filter((one) => one !== ''),
  }
}
