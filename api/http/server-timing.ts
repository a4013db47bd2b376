import type { Served } from '#platform/cache/served'

/** Where the time went, in milliseconds, for the tools of browsers (W3C Server-Timing): the whole, how the cache answered, the
 *  fetch where there was one. A request that is recorded names its trace in the form that RUM agents read.
 *  @param traceParent absent where nothing is recorded that could be looked up */
export function serverTiming(
  { outcome, held }: Pick<Served, 'outcome' | 'held'>,
  totalMs: number,
  traceParent: string | undefined,
): string {
  const fetched = outcome === 'miss' ? `, db;dur=${tenths(held.fillMs)}` : ''
  const traced = traceParent === undefined ? '' : `, traceparent;desc="${traceParent}"`
  return `total;dur=${tenths(totalMs)}, cache;desc="${outcome}"${fetched}${traced}`
}

const tenths = (ms: number): number => Math.round(ms * 10) / 10
