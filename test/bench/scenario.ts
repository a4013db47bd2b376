import { printCpu, type Result } from './cpu.ts'
import type { Options, Told } from './options.ts'
import type { Findings } from './report.ts'

/** What `npm run bench -- NAME` runs. It prints its own table, its conditions and what it left out. */
export type Scenario = {
  /** One line. */
  readonly says: string
  readonly options?: Options
  /** Whether PostgreSQL and Redis are started for it. */
  readonly needsServers: boolean
  /** Servers are asked over HTTP, so they get a processor that nothing else has. */
  readonly servesHttp?: boolean
  /** Settings of PostgreSQL, `name=value`. */
  readonly settings?: readonly string[]
  readonly run: (told: Told) => Promise<Findings | void>
}

/** One that has nothing to be told. */
export function plain(says: string, run: () => Promise<void>): Scenario {
  return { says, needsServers: true, run }
}

/** Compares CPU time per call, in Node and in PostgreSQL, with a named rival. */
export function cpuScenario(says: string, measure: () => Promise<Result>): Scenario {
  return {
    says,
    needsServers: true,
    async run() {
      const result = await measure()
      printCpu(result)
      const total = (name: string): number => {
        const { node = Number.NaN, postgres = Number.NaN } = result.spent[name] ?? {}
        return node + postgres
      }
      const ratios = Object.keys(result.spent).map((name) => {
        return [name, total(name) / total(result.against)] as const
      })
      return { against: result.against, ratios: Object.fromEntries(ratios), figures: { ...result } }
    },
  }
}
