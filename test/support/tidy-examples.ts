import { documentedAt } from './document.ts'

/** Makes answers the same in every run, so that a change of them is a change of the API: ids are numbered in the order in
 *  which they are met, instants of this run are moved to a morning, and secrets, cursors and measurements are replaced.
 *  @param startedAt when the rows were written */
export function tidyExamples<T>(examples: T, { origin, startedAt }: Place): T {
  const ids = new Map<string, string>()
  const numbered = (id: string): string => {
    const known = ids.get(id) ?? `01900000-0000-7000-8000-${String(ids.size + 1).padStart(12, '0')}`
    ids.set(id, known)
    return known
  }
  const text = JSON.stringify(examples, measured)
    .replaceAll(origin, documentedAt)
    .replaceAll(/[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}/g, numbered)
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, (at) => moved(at, startedAt))
    .replaceAll(/v1\.test\.[\w-]+\.[\w-]+/g, 'v1.k1.WyJuZXh0IixbIi4uLiJdXQ.c2lnbmF0dXJlIG9mIHRoaXM')
    .replaceAll(/(tg_[a-z]{2}_)\w{49}/g, `$1${'x'.repeat(49)}`)
  return JSON.parse(text)
}

type Place = { readonly origin: string; readonly startedAt: Date }

const morning = Date.parse('2026-01-15T12:00:00Z')
const day = 86_400_000

/** Instants that the database's own clock gave lie within a day of the run; those of the test clock are left alone. */
function moved(at: string, startedAt: Date): string {
  const passed = Date.parse(at) - startedAt.getTime()
  return Math.abs(passed) > day
    ? at
    : new Date(morning + Math.round(passed / 60_000) * 60_000).toISOString()
}

/** What is measured, by the name of the property. */
const figures: Readonly<Record<string, number>> = {
  latency: 1,
  uptime: 60,
  used: 80_000_000,
  total: 4_000_000_000,
  percentage: 2,
}

function measured(key: string, value: unknown): unknown {
  return typeof value === 'number' ? (figures[key] ?? value) : value
}
