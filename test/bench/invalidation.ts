import { ChangeLog } from '../../shared/platform/cache/change-log.ts'
import type { Change } from '../../shared/platform/cache/change.ts'
import { organisationTag } from '../../shared/platform/resource/dependencies.ts'
import { rowTag, tableTag } from '../../shared/platform/cache/dependencies.ts'
import { cacheKey } from '../../shared/platform/cache/entry.ts'
import { entryOf, hold, sizeOf, type Held } from '../../shared/platform/cache/held.ts'
import { createMemoryTier } from '../../shared/platform/cache/memory-tier.ts'
import { median } from './quantile.ts'
import { openBentocache, rivalName } from './rivals.ts'

const epoch = 'one'
const organisationId = '0199f3c2-0000-7000-8000-000000000000'
const rounds = 9
const changesPerRound = 300
const keptCounts = [10_000, 100_000]
const tagCounts = [1, 55]

/** What a write costs the process that learns of it: CPU, and answers that are looked at. Against bentocache, which is told
 *  the same tags. */
export async function printInvalidations(): Promise<void> {
  console.log(`${'answers kept'.padEnd(13)} ${'tags'.padEnd(5)} ${'who'.padEnd(18)} CPU per change`)
  let looked = 0
  for (const kept of keptCounts) {
    const ours = fill(kept)
    const bento = await openBentocache()
    for (let index = 0; index < kept; index += 1) {
      const tags = [tableTag('members'), memberTag(index), organisationTag(organisationId)]
      await bento.getOrSet({ key: `${index}`, tags, ttl: '1h', factory: () => 'body' })
    }
    for (const tags of tagCounts) {
      const turns = Array.from({ length: (rounds + 1) * changesPerRound }, (_, turn) =>
        Array.from({ length: tags }, (_each, index) => memberTag((turn * tags + index) % kept)),
      )
      await compareOn(kept, turns, {
        ours: async (touched) => ours.apply({ xid: 0, relation: '', tags: touched }),
        [rivalName('bentocache')]: (touched) => bento.deleteByTag({ tags: touched }),
      })
    }
    looked += ours.lookedAt()
    ours.prove()
  }
  console.log(
    `\nanswers that were looked at by all these changes: ${looked}; medians of ${rounds} rounds of ${changesPerRound} changes in turns, one change in each catch-up`,
  )
  if (looked > 0) {
    process.exitCode = 1
  }
}

const memberTag = (index: number): string =>
  rowTag('members', `0199f3c2-0000-7000-8000-${index.toString(16).padStart(12, '0')}`)

type Invalidate = (tags: readonly string[]) => Promise<unknown>

async function compareOn(
  kept: number,
  turns: readonly (readonly string[])[],
  rivals: Readonly<Record<string, Invalidate>>,
): Promise<void> {
  const spent = new Map(Object.keys(rivals).map((name) => [name, new Array<number>()]))
  for (let round = 0; round <= rounds; round += 1) {
    const changes = turns.slice(round * changesPerRound, (round + 1) * changesPerRound)
    for (const [name, invalidate] of Object.entries(rivals)) {
      const before = process.cpuUsage()
      for (const tags of changes) {
        await invalidate(tags)
      }
      const { user, system } = process.cpuUsage(before)
      if (round > 0) {
        spent.get(name)?.push((user + system) / changesPerRound)
      }
    }
  }
  const base = median(spent.get(rivalName('bentocache')) ?? [])
  for (const [name, all] of spent) {
    const micros = median(all)
    const ratio = `${(micros / base).toFixed(3)} x`
    console.log(
      `${String(kept).padEnd(13)} ${String(turns[0]?.length).padEnd(5)} ${name.padEnd(18)} ${`${micros.toFixed(2)} µs`.padEnd(11)} ${ratio}`,
    )
  }
}

/** A log and a tier full of answers that say when something of them is read. */
function fill(kept: number) {
  const memory = createMemoryTier<Held>({ bytesMax: 4_294_967_296, sizeOf })
  const changes = new ChangeLog(new Map(), () => memory.clear())
  let xid = 1000
  let looks = 0
  const apply = (...of: readonly Change[]): void => {
    const snapshot = { xmin: xid + 1, xmax: xid + 1, xip: [] }
    const floor = { xmin: 1, xmax: 1, xip: [] }
    const told = of.map((change) => ({ ...change, xid }))
    changes.apply({ epoch, floor, snapshot, changes: told, isTruncated: false })
    xid += 1
  }
  apply()
  const look = (): void => void (looks += 1)
  for (let index = 0; index < kept; index += 1) {
    const held = memberOf(index, changes)
    memory.set(held.key, held)
    watchFields(held, look)
  }
  return {
    apply,
    lookedAt: () => looks,
    /** That looks are counted at all, and that the changes were of consequence.  @throws {Error} otherwise */
    prove() {
      const before = looks
      const held = memory.peek(memberOf(0, changes).key)
      if (held === undefined || changes.isCurrent(held) || looks === before) {
        throw new Error('an answer that a change concerned was served, or the look not counted')
      }
    },
  }
}

function memberOf(index: number, { cursor, number }: ChangeLog): Held {
  const route = '/api/v2/members/:id'
  const key = cacheKey({ organisationId }, { route, shape: 'a', query: `${index}` })
  const tags = [memberTag(index), tableTag('members'), organisationTag(organisationId)]
  const snapshot = cursor ?? { xmin: 1, xmax: 1, xip: [] }
  const filling = {
    status: 200 as const,
    body: Buffer.from('{}'),
    headers: {},
    stamp: { epoch, snapshot },
    dependencies: { tags, memberships: [] },
  }
  const lifetime = { freshSeconds: 3600, staleSeconds: 0 }
  const making = { key, route, lifetime, sentAtMs: 0, filledAtMs: 0, fillMs: 1 }
  return hold(entryOf(filling, making), {
    sentAtMs: 0,
    confirmedAtMs: 0,
    checkedNumber: number,
    spread: 1,
  })
}

/** Every property, that of the key too, tells when it is read. */
function watchFields(held: Held, look: () => void): void {
  for (const [name, kept] of Object.entries(held)) {
    let value: unknown = kept
    Object.defineProperty(held, name, {
      get() {
        look()
        return value
      },
      set(next: unknown) {
        look()
        value = next
      },
    })
  }
}
