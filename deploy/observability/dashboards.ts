import type { DashboardName } from './alert.ts'
import { metricList } from './metric-list.ts'
import { panelOf } from './metric-panel.ts'
import { overviewPanels } from './overview.ts'
import { panelJson, type Panel } from './panel.ts'

/** Which metrics a dashboard shows: those whose names begin so. */
const prefixes: Readonly<Record<Exclude<DashboardName, 'overview'>, readonly string[]>> = {
  api: ['http_'],
  cache: ['cache_', 'redis_'],
  database: ['db_'],
  jobs: ['queue_', 'job_', 'outbox_'],
  fx: ['fx_', 'circuit_breaker_'],
  process: ['process_', 'nodejs_', 'health_', 'app_'],
}

const titles: Readonly<Record<DashboardName, string>> = {
  overview: 'Tidegate: overview',
  api: 'Tidegate: API',
  cache: 'Tidegate: cache',
  database: 'Tidegate: database',
  jobs: 'Tidegate: jobs, queues, outbox',
  fx: 'Tidegate: exchange rates and circuits',
  process: 'Tidegate: processes',
}

/** Every dashboard by its name: the overview by hand, the others a panel for each metric that exists. */
export const dashboards: ReadonlyMap<DashboardName, readonly Panel[]> = new Map([
  ['overview', overviewPanels] as const,
  ...(['api', 'cache', 'database', 'jobs', 'fx', 'process'] as const).map((name) => {
    const begins = prefixes[name]
    const shown = metricList.filter((metric) => begins.some((one) => metric.name.startsWith(one)))
    return [name, shown.map(panelOf)] as const
  }),
])

const variable = (name: string, query: string) => ({
  name,
  type: 'query',
  datasource: { type: 'prometheus', uid: '${datasource}' },
  query: { query, refId: name },
  refresh: 2,
  includeAll: true,
  multi: true,
  allValue: '.*',
  current: { text: 'All', value: '$__all' },
})

/** As Grafana reads it from a file. */
export function dashboardJson(name: DashboardName): object {
  return {
    uid: `tidegate-${name}`,
    title: titles[name],
    tags: ['tidegate'],
    schemaVersion: 41,
    version: 1,
    editable: false,
    timezone: 'utc',
    refresh: '30s',
    time: { from: 'now-6h', to: 'now' },
    graphTooltip: 1,
    links: [
      {
        type: 'dashboards',
        tags: ['tidegate'],
        title: 'Tidegate',
        asDropdown: true,
        keepTime: true,
      },
    ],
    annotations: {
      list: [
        {
          name: 'Alerts',
          datasource: { type: 'prometheus', uid: '${datasource}' },
          enable: true,
          iconColor: 'red',
          expr: 'ALERTS{alertstate="firing",severity="critical"}',
          titleFormat: '{{alertname}}',
          textFormat: '{{job}} {{instance}}',
        },
      ],
    },
    templating: {
      list: [
        {
          name: 'datasource',
          type: 'datasource',
          query: 'prometheus',
          current: { text: 'Prometheus', value: 'prometheus' },
        },
        variable('job', 'label_values(up, job)'),
        variable('instance', 'label_values(up{job=~"$job"}, instance)'),
      ],
    },
    panels: (dashboards.get(name) ?? []).map(panelJson),
  }
}
