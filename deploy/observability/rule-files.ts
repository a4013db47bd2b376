import type { Alert } from './alert.ts'
import { alertGroups } from './alerts.ts'
import { recordingGroups } from './recordings.ts'

/** The rule files of Prometheus by their name below deploy/prometheus/rules, as objects; test/deploy/observability writes and
 *  compares them. */
export const ruleFiles: Readonly<Record<string, object>> = {
  'recordings.yml': {
    groups: Object.entries(recordingGroups).map(([name, { everySeconds, recordings }]) => ({
      name,
      interval: `${everySeconds}s`,
      rules: recordings,
    })),
  },
  'alerts.yml': {
    groups: Object.entries(alertGroups).map(([name, alerts]) => ({
      name,
      rules: alerts.map(ruleOf),
    })),
  },
}

function ruleOf({ name, severity, expr, forSeconds, when, value, dashboard }: Alert): object {
  return {
    alert: name,
    expr,
    ...(forSeconds > 0 && { for: `${forSeconds}s` }),
    // what is about one figure has one name, however bad it is
    labels: { severity, figure: name.replace(/(Critical|Warning|Rollout)$/, '') },
    annotations: {
      summary: `${when.charAt(0).toUpperCase()}${when.slice(1)}.`,
      description: `{{ with $labels.instance }}{{ . }}: {{ end }}${value}`,
      runbook_url: `docs/runbooks.md#${name.toLowerCase()}`,
      dashboard_url: `/d/tidegate-${dashboard}`,
    },
  }
}
