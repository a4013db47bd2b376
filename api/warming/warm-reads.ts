import { getActiveUsers, listActiveOrganisations } from '#members'
import { readDemand } from '#platform/cache/demand-table'
import { forEachKept } from '#platform/cache/each-kept'
import type { Held } from '#platform/cache/held'
import type { NamedRead, WarmSet } from '#platform/cache/remote-question'
import type { WarmRead } from '#platform/cache/warm-up'
import { Problem } from '#platform/problem'
import { cacheReadOf } from '../http/cached-read.ts'
import { addressOf } from '../http/define-read.ts'
import { readsByUrl } from '../http/reads-by-url.ts'
import type { ApiSlice } from '../slice.ts'
import { declaredReads } from './declared-reads.ts'
import { resources } from '../resources.ts'
import { routes } from '../routes.ts'

/** Organisations for whom what is declared is warmed: with 100 items each they fill a tenth of the memory as it is set. */
const organisationsMax = 20
/** Answers that one hourly renewal fetches. */
const renewalsMax = 1_000
/** Reads of an answer, since the last renewal, from which it is worth a statement. */
const renewalReads = 2
/** Shorter lives are no matter of an hour: whoever reads often refreshes them. */
const renewalLifeSeconds = 300

/** Finds what is to be warmed, set by set, each in the order of how much it is wanted. */
export type WarmReads = (set: WarmSet, usersMax: number) => AsyncIterable<WarmRead>

/** @param slice whose database the fetches go to */
export function createWarmReads(
  slice: ApiSlice,
  options: { readonly isCursorPaginationEnabled: boolean },
): WarmReads {
  const findRead = readsByUrl(slice, options)
  const { db, clock } = slice

  /** Nothing for what no longer is a read: the question may be an older version's. */
  function warmRead(source: WarmSet, named: NamedRead): readonly WarmRead[] {
    try {
      return [{ source, read: cacheReadOf(slice, findRead(named)) }]
    } catch (error) {
      if (error instanceof Problem) {
        return []
      }
      throw error
    }
  }

  async function* declared(): AsyncIterable<WarmRead> {
    const organisations = await listActiveOrganisations({ db }, { organisationsMax })
    for await (const named of declaredReads(slice, organisations)) {
      yield* warmRead('declared', named)
    }
  }

  async function* hot(): AsyncIterable<WarmRead> {
    for (const named of await readDemand(db)) {
      yield* warmRead('hot', named)
    }
  }

  async function* members(usersMax: number): AsyncIterable<WarmRead> {
    const paths = [
      ...resources.filter(({ warm }) => warm.members).map(({ name }) => `/api/v2/${name}`),
      ...routes.flatMap((route) =>
        route.method === 'get' && route.isWarmForMembers ? [addressOf(route)] : [],
      ),
    ]
    for await (const user of getActiveUsers({ db }, { at: clock.now(), usersMax })) {
      yield* paths.flatMap((url) => warmRead('members', { url, ...user }))
    }
  }

  async function* expiring(): AsyncIterable<WarmRead> {
    for (const { key, demand, lifetime } of await findExpiring(slice)) {
      const found = demand ? warmRead('expiring', demand.question) : []
      const freshForMs = halfLifeMs({ lifetime })
      yield* found.filter(({ read }) => read.key === key).map((one) => ({ ...one, freshForMs }))
    }
  }

  const sets = { declared, hot, members, expiring }
  return (set, usersMax) => sets[set](usersMax)
}

const halfLifeMs = ({ lifetime }: Pick<Held, 'lifetime'>): number => 500 * lifetime.freshSeconds

/** What is kept and true, was read since this was asked last, and has less than half of its life left; most wanted first. */
async function findExpiring({ cache, clock }: ApiSlice): Promise<readonly Held[]> {
  const nowMs = clock.monotonicMs()
  const found: { held: Held; reads: number }[] = []
  await forEachKept(cache, clock, (held) => {
    const { demand, hits, freshUntilMs, lifetime } = held
    const reads = demand?.since('renewal', hits) ?? 0
    demand?.looked('renewal', hits)
    const isLong = lifetime.freshSeconds >= renewalLifeSeconds
    const isEnding = freshUntilMs - nowMs < halfLifeMs(held)
    if (reads >= renewalReads && isLong && isEnding && cache.isCurrent(held)) {
      found.push({ held, reads })
    }
  })
  return found
    .toSorted((one, other) => other.reads - one.reads)
    .slice(0, renewalsMax)
    .map(({ held }) => held)
}
