import { z } from 'zod'
import { findUnfrozenLinks, unfrozenLink, type UnfrozenLink } from '#payments'
import { endSweep, pauseSweep, resumeSweep, type Sweep } from '#platform/database/sweep'
import type { Transaction } from '#platform/database/transaction'
import type { Platform } from '#platform/platform'
import { defineJob } from '#platform/queue/define-job'
import { newestReport, writeReport, type StoredReport } from '#platform/reports/reports'

type Slice = Pick<Platform, 'clock' | 'log'>
type Found = { readonly count: number; readonly links: readonly UnfrozenLink[] }

const kind = 'frozen-rates'
const linksMax = 5_000
/** 50,000 links in a run, a stretch of them to a statement. A million are looked through in the course of two
 *  hours, again and again. */
const stretchesMax = 10
/** Named in a report; beyond, only counted. */
const namedMax = 100

/**
 * Looks for links that lack their four frozen rates and reports them, whenever what is found is another than before.
 *
 * It repairs nothing. The rates of the moment at which a link was made were promised to nobody when they were not frozen
 * then, and a snapshot that is written later could only pretend. What can be said truly is: from now on these rates hold.
 * That is a requote, which an operator or the organisation asks for, for links that are not paid yet; a paid one is a
 * question for whoever keeps the books.
 */
export const checkFrozenRates = defineJob({
  queue: 'housekeeping',
  name: 'check-frozen-rates',
  payload: z.strictObject({}),
  attemptsMax: 3,
  backoffMs: 2000,
  timeoutMs: 60_000,
  concurrency: 1,
  whenGivenUp: 'next-run',
  async run(slice: Slice, _payload, run) {
    const found = await run.once((tx) => goOn(tx, slice, run.signal))
    if (found && found.count > 0) {
      run.log.warn({ links: found.count }, 'payment links lack their frozen rates')
    }
    return found ? { rows: found.count } : {}
  },
})

/** Continues the sweep, and at its end reports what was found.  @returns what was found, at the end */
async function goOn(
  tx: Transaction,
  slice: Slice,
  signal: AbortSignal,
): Promise<Found | undefined> {
  const nothing: Found = { count: 0, links: [] }
  let sweep = await resumeSweep(tx, { clock: slice.clock, name: kind, nothing })
  for (let count = 1; sweep && count <= stretchesMax; count += 1) {
    signal.throwIfAborted()
    const { after } = sweep
    const { linksCount, next, unfrozen } = await findUnfrozenLinks(tx, { after, linksMax })
    const rowsCount = sweep.rowsCount + linksCount
    sweep = { ...sweep, after: next, rowsCount, found: join(sweep.found, unfrozen) }
    if (next === undefined) {
      await endSweep(tx, sweep)
      await report(tx, slice, sweep)
      return sweep.found
    }
  }
  if (sweep) {
    await pauseSweep(tx, sweep)
  }
  return undefined
}

/** Says what was found, unless that was said before. */
async function report(
  db: Transaction,
  slice: Slice,
  { begunAt, rowsCount, found: { count, links } }: Sweep<Found>,
): Promise<void> {
  if (isNews({ count, links }, await newestReport(db, kind))) {
    const figures = { links: rowsCount, lacking: count }
    await writeReport({ ...slice, db }, { kind, figures, body: { begunAt, links } })
  }
}

const join = ({ count, links }: Found, more: readonly UnfrozenLink[]): Found => ({
  count: count + more.length,
  links: [...links, ...more].slice(0, namedMax),
})

const reported = z.object({ links: z.array(unfrozenLink) })

/** Nothing wrong is news only after something was. */
function isNews({ count, links }: Found, last: StoredReport | undefined): boolean {
  const before = reported.safeParse(last?.body).data?.links ?? []
  const textOf = (all: typeof before): string =>
    all.map(({ id, status, rates }) => `${id} ${status} ${rates}`).join()
  return count !== (last?.figures['lacking'] ?? 0) || textOf([...links]) !== textOf(before)
}
