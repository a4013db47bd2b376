/** A graph of a dashboard, in our own words. */
export type Panel = {
  readonly title: string
  readonly description: string
  /** As Grafana calls it: `s`, `bytes`, `percentunit`, `reqps`, `ops`, `short`. */
  readonly unit: string
  /** PromQL, and how a series is called in the legend. */
  readonly series: readonly (readonly [expr: string, legend: string])[]
  /** Lines at figures that alerts fire at. */
  readonly lines?: readonly Line[]
}

export type Line = { readonly value: number; readonly color: 'green' | 'orange' | 'red' }

const datasource = { type: 'prometheus', uid: '${datasource}' }
const size = { w: 12, h: 8 }

/** As Grafana stores it; two in a row, in the order of the list. */
export function panelJson({ title, description, unit, series, lines = [] }: Panel, index: number) {
  const steps = [
    { color: 'text', value: null },
    ...lines.map(({ value, color }) => ({ color, value })),
  ]
  return {
    id: index + 1,
    type: 'timeseries',
    title,
    description,
    datasource,
    gridPos: { ...size, x: (index % 2) * size.w, y: Math.floor(index / 2) * size.h },
    fieldConfig: {
      defaults: {
        unit,
        min: 0,
        thresholds: { mode: 'absolute', steps },
        custom: {
          fillOpacity: 8,
          lineWidth: 1,
          showPoints: 'never',
          thresholdsStyle: { mode: lines.length > 0 ? 'dashed' : 'off' },
        },
      },
      overrides: [],
    },
    options: {
      legend: { displayMode: 'list', placement: 'bottom', showLegend: true },
      tooltip: { mode: 'multi', sort: 'desc' },
    },
    targets: series.map(([expr, legendFormat], number) => ({
      refId: String.fromCodePoint(65 + number),
      datasource,
      expr,
      legendFormat,
    })),
  }
}
