import type { Clock } from '#platform/clock'
import { parseArgs } from 'node:util'
import { CommandError } from '../command-error.ts'
import { findDatabaseUrl, withoutPassword } from '../database-url.ts'
import { explainFailure } from '../explain-failure.ts'
import { demoLinks, demoLinksMax, seedLinks } from './seed.ts'

/** What the command takes from its process. */
export type SeedContext = {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly print: (text: string) => void
  readonly complain: (text: string) => void
}

const usage = `npm run seed [-- --links N]

  Loads the demo business: 25,900 payment links from 25,900 real invoices, with the exchange rates of their days.
  Harmless where it is loaded already. Refuses a database that holds another organisation.

  --links N   N links in all, from ${demoLinks} to ${demoLinksMax}: the invoices again and again, each copy 17 s later.
              Until it is done nobody else can read the tables that it fills.
  --help      this text

The database is DATABASE_URL, else the embedded one of DATA_DIR while it runs.`

/** Runs one `seed` command line.  @returns the exit code: 0, or 1 after an explanation */
export async function runSeedCommand(
  args: readonly string[],
  context: SeedContext,
): Promise<0 | 1> {
  const { env, clock, signal, print, complain } = context
  let where = ''
  try {
    const links = parseLinks(args)
    if (links === 'help') {
      print(usage)
      return 0
    }
    const url = await findDatabaseUrl(env)
    where = ` into ${withoutPassword(url)}`
    const startedMs = clock.monotonicMs()
    await seedLinks(url, { now: clock.now(), report: print, signal, links })
    const seconds = ((clock.monotonicMs() - startedMs) / 1000).toFixed(1)
    print(`the demo business is in ${withoutPassword(url)}, after ${seconds} s`)
    return 0
  } catch (error) {
    complain(explainFailure(`the demo was not loaded${where}`, error))
    return 1
  }
}

function parseLinks(args: readonly string[]): number | 'help' {
  const { links, help } = parseOptions(args)
  if (help) {
    return 'help'
  }
  const count = /^[0-9]{1,9}$/.test(links) ? Number(links) : Number.NaN
  if (!(count >= demoLinks && count <= demoLinksMax)) {
    throw new CommandError(
      'nothing was loaded',
      `--links ${links} is not a whole number from ${demoLinks} to ${demoLinksMax}`,
      'npm run seed -- --links 1000000',
    )
  }
  return count
}

function parseOptions(args: readonly string[]): { readonly links: string; readonly help: boolean } {
  try {
    return parseArgs({
      args: [...args],
      options: {
        links: { type: 'string', default: String(demoLinks) },
        help: { type: 'boolean', default: false, short: 'h' },
      },
    }).values
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new CommandError('nothing was loaded', why, 'npm run seed -- --help lists the options')
  }
}
