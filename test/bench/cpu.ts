import { readFileSync } from 'node:fs'
import { median } from './quantile.ts'

/** CPU time, not wall time: what is measured stays the same when the machine is shared. Microseconds. */
export type Cpu = { readonly node: number; readonly postgres: number }

/** What each rival spent per call, and the one that the ratios are taken against. */
export type Result = {
  readonly spent: Readonly<Record<string, Cpu>>
  readonly against: string
  /** Pages of PostgreSQL that each rival touched. */
  readonly buffers?: Readonly<Record<string, number>>
}

/** CPU used so far by this process and by the PostgreSQL backends that it talks to. */
function readCpu(backendPids: readonly number[]): Cpu {
  const { user, system } = process.cpuUsage()
  // Nanoseconds on a processor; the ticks of /proc/<pid>/stat are as long as a hundred pages.
  const nanoseconds = backendPids.map((pid) =>
    Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ', 1)[0]),
  )
  const postgres = nanoseconds.reduce((sum, one) => sum + one, 0) / 1_000
  return { node: user + system, postgres }
}

/** Runs the rivals in turns, `rounds` times after one to warm up, and gives each one's CPU per call: the median round. */
export async function compare(
  rivals: Readonly<Record<string, () => Promise<unknown>>>,
  options: {
    readonly backendPids: readonly number[]
    readonly rounds: number
    readonly callsPerRound: number
  },
): Promise<Readonly<Record<string, Cpu>>> {
  const { backendPids, rounds, callsPerRound } = options
  const spent = new Map(Object.keys(rivals).map((name) => [name, new Array<Cpu>()]))
  for (let round = 0; round <= rounds; round += 1) {
    for (const [name, call] of Object.entries(rivals)) {
      const before = readCpu(backendPids)
      for (let done = 0; done < callsPerRound; done += 1) {
        await call()
      }
      const after = readCpu(backendPids)
      if (round > 0) {
        const node = (after.node - before.node) / callsPerRound
        const postgres = (after.postgres - before.postgres) / callsPerRound
        spent.get(name)?.push({ node, postgres })
      }
    }
  }
  const medians = [...spent].map(([name, all]) => {
    const node = median(all.map((one) => one.node))
    return [name, { node, postgres: median(all.map((one) => one.postgres)) }] as const
  })
  return Object.fromEntries(medians)
}

/** One line per rival: CPU per call, and its ratio to that of `against`. */
export function printCpu({ spent, against, buffers }: Result): void {
  const base = spent[against]
  for (const [rival, { node, postgres }] of Object.entries(spent)) {
    const of = (part: number, whole: number | undefined): string =>
      `${Math.round(part)} µs (${(part / (whole ?? Number.NaN)).toFixed(2)} x)`
    const total = of(node + postgres, base && base.node + base.postgres)
    const touched = buffers?.[rival]
    console.log(
      `${rival.padEnd(24)} Node ${of(node, base?.node).padEnd(18)} PostgreSQL ${of(postgres, base?.postgres).padEnd(18)} both ${total}${touched === undefined ? '' : `  buffers ${touched}`}`,
    )
  }
}
