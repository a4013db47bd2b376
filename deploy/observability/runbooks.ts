import { alerts, alertGroups } from './alerts.ts'
import type { Alert } from './alert.ts'

/** docs/runbooks.md: a list of all alerts, and one section for each. */
export function runbooks(): string {
  const sections = Object.entries(alertGroups).flatMap(([group, members]) => [
    `## Group ${group}\n`,
    ...members.map(section),
  ])
  return [
    '# What to do when an alert fires\n',
    'Made from deploy/observability/alerts by `UPDATE=1 npm test -- observability`; change it there. In the order of severity: `critical`',
    'is for now, `warning` for today, `rollout` for whoever rolls out a version, who pauses while it fires. Where several fire at once, begin',
    'with `ProcessDown`, `HealthCheckFailing` (`database`) and `DatabaseCircuitOpen`: the others follow from them.\n',
    ...alerts.map(summary),
    '',
    ...sections,
  ].join('\n')
}

function section({ name, severity, forSeconds, when, expr, dashboard, runbook }: Alert): string {
  const lasting = forSeconds > 0 ? `, for ${durationText(forSeconds)}` : ''
  return [
    `### ${name}\n`,
    `**${severity}**: ${when}${lasting}. Dashboard: \`tidegate-${dashboard}\`.\n`,
    `- **What it means**: ${runbook.means}`,
    `- **What to look at**: ${runbook.look}`,
    `- **What to do**: ${runbook.act}\n`,
    `\`\`\`promql\n${expr}\n\`\`\`\n`,
  ].join('\n')
}

/** One line of the list at the beginning. */
const summary = ({ name, severity, forSeconds, when }: Alert): string =>
  `- [${name}](#${name.toLowerCase()}) (${severity}${forSeconds > 0 ? `, after ${durationText(forSeconds)}` : ''}): ${when}`

function durationText(seconds: number): string {
  return seconds < 120
    ? `${seconds} s`
    : seconds < 7_200
      ? `${seconds / 60} min`
      : `${seconds / 3_600} h`
}
