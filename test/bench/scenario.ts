import { printCpu, type Result } from './cpu.ts'

/** What `npm run bench -- NAME` runs. It prints its own table, its conditions and what it left out. */
export type Scenario = {
  /** Whether PostgreSQL and Redis are started for it. */
  readonly needsServers: boolean
  /** Settings of PostgreSQL, `name=value`. */
  readonly settings?: readonly string[]
  readonly run: () => Promise<void>
}

/** Compares CPU time per call, in Node and in PostgreSQL, with a named rival. */
export function cpuScenario(measure: () => Promise<Result>): Scenario {
  return { needsServers: true, run: async () => printCpu(await measure()) }
}
