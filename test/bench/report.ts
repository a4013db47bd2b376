import { cpus, loadavg } from 'node:os'
import { readFileSync, writeFileSync } from 'node:fs'
import { z } from 'zod'

/** What a scenario found, to be kept and compared with later. */
export type Findings = {
  /** The rival whose CPU is 1. */
  readonly against: string
  /** CPU against the rival that the scenario names, or another count that does not depend on how busy the machine is. Smaller is
   *  better. */
  readonly ratios: Readonly<Record<string, number>>
  /** Whatever else was measured; kept, not compared. */
  readonly figures?: Readonly<Record<string, unknown>>
}

const Report = z.object({
  scenario: z.string(),
  at: z.string(),
  against: z.string(),
  machine: z.object({
    processor: z.string(),
    count: z.number(),
    node: z.string(),
    load: z.number(),
  }),
  ratios: z.record(z.string(), z.number()),
  figures: z.record(z.string(), z.unknown()).optional(),
})
type Report = z.infer<typeof Report>

/** With the machine, which says what the figures mean. */
export function reportOf(scenario: string, findings: Findings): Report {
  const [first] = cpus()
  const load = loadavg()[0] ?? 0
  const processor = first?.model ?? 'unknown'
  const machine = { processor, count: cpus().length, node: process.version, load }
  return { scenario, at: new Date().toISOString(), machine, ...findings }
}

export function writeReport(path: string, report: Report): void {
  writeFileSync(path, `${JSON.stringify(report, (_name, value) => rounded(value), 2)}\n`)
}

const rounded = (value: unknown): unknown =>
  typeof value === 'number' ? Number(value.toPrecision(4)) : value

/** Where the figures lie that a scenario is compared with when no file is named. */
export const baselineOf = (scenario: string): string =>
  new URL(`baselines/${scenario}.json`, import.meta.url).pathname

/** Prints every ratio beside the stored one.
 *  @param noise how much worse, as a share, still is chance
 *  @returns whether none is worse than that */
export function compareWith(
  path: string,
  { scenario, against, ratios }: Report,
  noise: number,
): boolean {
  const before = Report.parse(JSON.parse(readFileSync(path, 'utf8')))
  if (before.scenario !== scenario || before.against !== against) {
    throw new Error(`${path} is of ${before.scenario} against ${before.against}`)
  }
  const { processor, count, node } = before.machine
  console.log(`\nagainst ${before.at}, ${count} x ${processor}, Node ${node}:`)
  const worse: string[] = []
  for (const [name, then] of Object.entries(before.ratios)) {
    const now = ratios[name]
    const change = now === undefined ? undefined : now / then - 1
    const isWorse = change !== undefined && change > noise
    worse.push(...(isWorse ? [name] : []))
    const told = change === undefined ? 'not measured' : `${(100 * change).toFixed(0)} %`
    console.log(
      `${name.padEnd(32)} ${then.toFixed(3)} -> ${now?.toFixed(3) ?? '-'}  ${told}${isWorse ? '  WORSE' : ''}`,
    )
  }
  console.log(`${worse.length} worse by more than ${100 * noise} %`)
  return worse.length === 0
}
