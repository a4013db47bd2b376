import { warmedCount, type Replies } from '#platform/cache/ask-caches'
import { answersIn, readsOf, sumCounts, type RouteReply } from '#platform/cache/read-figures'
import type {
  CountReply,
  InspectReply,
  StatsReply,
  WarmReply,
} from '#platform/cache/remote-question'

/** How many processes there are that keep answers, and how many of them are in the figures. */
type Asked = { readonly known: number; readonly answered: number }

const askedOf = ({ known, answered }: Replies<unknown>): Asked => ({ known, answered })

/** Routes that a dry run names, those with the most answers first. */
const routesMax = 10

/** What would be lost: answers in the memory of the processes, and the reads that they have served. */
export function costOf(replies: Replies<CountReply>) {
  const counts = replies.answers.map(({ answer }) => answer)
  const routes = counts.reduce<CountReply['routes']>((sums, one) => {
    for (const [route, { entries, hits }] of Object.entries(one.routes)) {
      const sum = sums[route]
      sums[route] = { entries: entries + (sum?.entries ?? 0), hits: hits + (sum?.hits ?? 0) }
    }
    return sums
  }, {})
  return {
    ...askedOf(replies),
    entries: sumOf(counts, 'entries'),
    bytes: sumOf(counts, 'bytes'),
    hits: sumOf(counts, 'hits'),
    routes: Object.entries(routes)
      .map(([route, cost]) => ({ route, ...cost }))
      .toSorted((one, other) => other.entries - one.entries || other.hits - one.hits)
      .slice(0, routesMax),
    processes: replies.answers.map(({ process, answer: { entries, bytes, hits } }) => ({
      process,
      entries,
      bytes,
      hits,
    })),
    notCounted: 'answers in Redis: those that are named are no longer served from there either',
  }
}

/** All processes together, and each. */
export function statisticsOf(replies: Replies<StatsReply>) {
  const each = replies.answers.map(({ process, answer }) => ({
    process,
    ...answer,
    ...readsOf(answersIn(answer.routes)),
  }))
  return {
    ...askedOf(replies),
    together: {
      entries: sumOf(each, 'entries'),
      bytes: sumOf(each, 'bytes'),
      bytesMax: sumOf(each, 'bytesMax'),
      evicted: sumOf(each, 'evicted'),
      epochs: [...new Set(each.flatMap(({ epoch }) => epoch ?? []))],
      ...readsOf(each.flatMap(({ routes }) => answersIn(routes))),
      counters: sumCounts(each.map(({ counters }) => counters)),
      tables: sumCounts(each.map(({ tables }) => tables)),
    },
    processes: each,
  }
}

/** All processes together by the templates of routes, those that went to the database most often first. */
export function statisticsByRoute(replies: Replies<StatsReply>) {
  const each = replies.answers.map(({ answer }) => answer.routes)
  const names = [...new Set(each.flatMap((routes) => Object.keys(routes)))]
  const routes = names.map((route) => {
    const parts = each.flatMap((one) => one[route] ?? [])
    return {
      route,
      ...readsOf(parts),
      redisHits: sumOf(parts, 'redisHits'),
      collapsed: sumOf(parts, 'collapsed'),
      fillMs: Math.round(sumOf(parts, 'fillMs')),
    }
  })
  return {
    ...askedOf(replies),
    routes: routes.toSorted(
      (one, other) => missesOf(other) - missesOf(one) || other.reads - one.reads,
    ),
  }
}

const missesOf = ({ outcomes }: Pick<RouteReply, 'outcomes'>): number => outcomes['miss'] ?? 0

/** Where one answer is kept. What Redis has is the same for all. */
export function whereabouts(replies: Replies<InspectReply>) {
  const answers = replies.answers.map(({ answer }) => answer)
  const redis = answers.find((one) => one.redis !== undefined)?.redis
  return {
    ...askedOf(replies),
    route: answers[0]?.route,
    /** Several while versions of the product run beside each other. */
    keys: [...new Set(answers.map(({ key }) => key))],
    processes: replies.answers.map(({ process, answer: { memory } }) => ({
      process,
      ...(memory && { memory }),
    })),
    ...(redis && { redis }),
  }
}

/** What was fetched, all processes together and each. */
export function warmedBy(replies: Replies<WarmReply>) {
  return {
    ...askedOf(replies),
    warmed: warmedCount(replies),
    processes: replies.answers.map(({ process, answer }) => ({ process, ...answer })),
  }
}

function sumOf<K extends string>(parts: readonly Readonly<Record<K, number>>[], name: K): number {
  return parts.reduce((sum, part) => sum + part[name], 0)
}
