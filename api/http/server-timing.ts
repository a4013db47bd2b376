import type { Served } from '#platform/cache/served'

/** Where the time went, in milliseconds, for the tools of browsers (W3C Server-Timing): the whole; of a cached read how the
 *  cache answered and the fetch where there was one; and the trace in the form that RUM agents read.
 *  @param traceParent its last digit says whether the trace is sent; undefined where there is none */
export function serverTiming(
  totalMs: number,
  traceParent: string | undefined,
  served?: Pick<Served, 'outcome' | 'held'>,
): string {
  const traced = traceParent === undefined ? '' : `, traceparent;desc="${traceParent}"`
  return `total;dur=${tenths(totalMs)}${served ? cached(served) : ''}${traced}`
}

const cached = ({ outcome, held }: Pick<Served, 'outcome' | 'held'>): string =>
  `, cache;desc="${outcome}"${outcome === 'miss' ? `, db;dur=${tenths(held.fillMs)}` : ''}`

const tenths = (ms: number): number => Math.round(ms * 10) / 10
