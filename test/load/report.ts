import { z } from 'zod'
import { metricNames, metrics, write } from './words.ts'
import { CannotRun } from './target.ts'
import type { Figures, Metric, Verdict } from './thresholds.ts'

const maybe = z.number().optional()
const figures = z.object({
  users: z.number(),
  seconds: z.number(),
  requests: z.number(),
  requestsPerSecond: z.number(),
  averageMs: z.number(),
  p50Ms: z.number(),
  p95Ms: z.number(),
  p99Ms: z.number(),
  maxMs: z.number(),
  errorRatio: z.number(),
  serverErrors: z.number(),
  errors: z.record(z.string(), z.number()),
  hitRatio: maybe,
  blocked: maybe,
  blockedWrongly: maybe,
  limitNotTold: maybe,
  memoryBytes: maybe,
  poolRatio: maybe,
  connectionsMax: maybe,
  cpuRatio: maybe,
  transactionsPerRequest: maybe,
  transactionMs: maybe,
  statementsPerRequest: maybe,
  slowStatements: maybe,
  toolDelayMs: z.number(),
  missing: z.record(z.string(), z.string()),
})

const resultFile = z.object({
  format: z.literal('tidegate-load-1'),
  startedAt: z.iso.datetime(),
  baseUrl: z.string(),
  profile: z.string(),
  /** What the tool ran on, not what it tried. */
  machine: z.string(),
  scenarios: z.record(
    z.string(),
    z.object({ ended: z.enum(['whole', 'aborted', 'interrupted']), figures }),
  ),
})

/** What `--out` writes and `--compare` reads. */
export type ResultFile = z.infer<typeof resultFile>

/** @throws {CannotRun} when it is not what `--out` wrote */
export function parseResult(path: string, text: string): ResultFile {
  let found: unknown
  try {
    found = JSON.parse(text)
  } catch {
    found = undefined
  }
  const parsed = resultFile.safeParse(found)
  if (!parsed.success) {
    throw new CannotRun(`${path} is not what --out writes`)
  }
  return parsed.data
}

/** The lines that say which thresholds were met. */
export function describeVerdicts(
  verdicts: readonly Verdict[],
  { missing }: Pick<Figures, 'missing'>,
): string[] {
  return verdicts.map(({ metric, is, limit, figure, isMet }) => {
    const asked = `${metrics[metric][0]} ${is} ${write(metric, limit)}`
    const told =
      figure === undefined ? `not measured: ${missing[metric] ?? otherwise}` : write(metric, figure)
    const word = isMet === undefined ? '-' : isMet ? 'met' : 'NOT met'
    return `  ${word.padEnd(8)} ${asked.padEnd(56)} ${told}`
  })
}

const otherwise = 'no part of this scenario'

/** Two runs side by side, in Markdown. Nothing is left to be filled in by a person: what is not known says so, and why. */
export function compare(before: ResultFile, after: ResultFile): string {
  const names = [...new Set([...Object.keys(before.scenarios), ...Object.keys(after.scenarios)])]
  const sections = names.map((name) => {
    const [one, other] = [before.scenarios[name], after.scenarios[name]]
    if (one === undefined || other === undefined) {
      return `## ${name}\n\nNot compared: it was run ${one ? 'before' : 'after'} only.\n`
    }
    return `## ${name}\n\n${describeEnds(one.ended, other.ended)}${tableOf(one.figures, other.figures)}\n`
  })
  return `# Load test: before and after

| | before | after |
| --- | --- | --- |
| started | ${before.startedAt} | ${after.startedAt} |
| API | ${before.baseUrl} | ${after.baseUrl} |
| profile | ${before.profile} | ${after.profile} |
| load tool on | ${before.machine} | ${after.machine} |
${before.profile === after.profile ? '' : '\nThe profiles differ: the figures cannot be compared.\n'}
${sections.join('\n')}`
}

function describeEnds(before: string, after: string): string {
  return before === 'whole' && after === 'whole'
    ? ''
    : `Not both runs are whole: before ${before}, after ${after}.\n\n`
}

type Told = ResultFile['scenarios'][string]['figures']

function tableOf(before: Told, after: Told): string {
  const told = metricNames.filter((metric) =>
    [before, after].some((one) => one[metric] !== undefined || one.missing[metric] !== undefined),
  )
  const rows = told.map((metric) => {
    const [one, other] = [cell(metric, before), cell(metric, after)]
    return `| ${metrics[metric][0]} | ${one} | ${other} | ${change(before[metric], after[metric])} |`
  })
  return [
    '| figure | before | after | change |',
    '| --- | --- | --- | --- |',
    ...rows,
    ...conclusions(before, after),
  ].join('\n')
}

function cell(metric: Metric, told: Told): string {
  const value = told[metric]
  return value === undefined
    ? `not measured: ${told.missing[metric] ?? otherwise}`
    : write(metric, value)
}

function change(before: number | undefined, after: number | undefined): string {
  if (before === undefined || after === undefined) {
    return 'not known'
  }
  if (before === 0) {
    return after === 0 ? 'none' : 'from 0'
  }
  const percent = (100 * (after - before)) / before
  return `${percent > 0 ? '+' : ''}${percent.toFixed(1)} %`
}

/** The rows of Q-22 that are answers, not figures. */
function conclusions(before: Told, after: Told): readonly string[] {
  const enabled = ({ hitRatio }: Told): string =>
    hitRatio === undefined ? 'not measured: no part of this scenario' : hitRatio > 0 ? 'yes' : 'no'
  const repeated = ({ statementsPerRequest, missing }: Told): string =>
    statementsPerRequest === undefined
      ? `not measured: ${missing['statementsPerRequest'] ?? otherwise}`
      : statementsPerRequest <= 2
        ? 'no'
        : 'yes'
  const row = (name: string, tell: (told: Told) => string): string => {
    const [one, other] = [tell(before), tell(after)]
    return `| ${name} | ${one} | ${other} | ${one === other ? 'none' : 'changed'} |`
  }
  return [row('cache in use', enabled), row('N+1 (more than 2 statements per request)', repeated)]
}
