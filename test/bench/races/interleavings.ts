import { systemClock } from '../../../shared/platform/clock.ts'
import type { Instance, Loader } from './contender.ts'

/** What a race has at hand. */
export type Course = {
  /** Opens another process of the contender. */
  readonly open: () => Promise<Instance>
  readonly isShared: boolean
  /** Two rows that no other race has, `old` both. */
  readonly ids: readonly [string, string]
  /** Reads one row, or several with `+` between them. */
  readonly load: (id: string) => Loader
  /** The same, and stands still once the rows have been read. */
  readonly slow: (id: string) => { load: Loader; reached: Promise<void>; open: () => void }
  /** Commits, as the application would: nobody is told but by what the contender does itself. */
  readonly write: (id: string, value?: string) => Promise<void>
  /** Commits from another program. */
  readonly psql: (text: string, values: readonly unknown[]) => Promise<void>
  /** A transaction of the application. */
  readonly transaction: () => Promise<Transaction>
  /** Delays, loses or ends what goes between the processes and Redis. */
  readonly messages: Way & { hold(): { readonly open: () => void } }
  readonly redis: Way
  /** Reads until what is seen is right, for as long as is allowed: 1 s. */
  readonly within1s: (read: () => Promise<string>, right: string) => Promise<string>
}

type Way = { cut(): void; mend(): void }

export type Transaction = {
  readonly write: (id: string, value: string) => Promise<void>
  readonly load: (id: string) => Loader
  readonly end: (how: 'commit' | 'rollback') => Promise<void>
}

/** A race with one outcome: what is read, and what would be right. Undefined where the contender takes no part. */
export type Interleaving = {
  readonly name: string
  readonly run: (course: Course) => Promise<readonly [seen: string, right: string] | undefined>
}

const fillOverlaps: Interleaving = {
  name: 'a fill reads, a write commits and is acknowledged, the fill is stored: the next read',
  async run({ open, ids: [id], slow, write, load }) {
    const one = await open()
    const { load: late, reached, open: finish } = slow(id)
    const filling = one.read(id, late)
    await reached
    await write(id)
    await one.wrote([id])
    finish()
    await filling
    return [await one.read(id, load(id)), 'new']
  },
}

const readerJoins: Interleaving = {
  name: 'a fill reads, a write is acknowledged, a reader comes and is given that fill',
  async run({ open, ids: [id], slow, write, load }) {
    const one = await open()
    const { load: late, reached, open: finish } = slow(id)
    const filling = one.read(id, late)
    await reached
    await write(id)
    await one.wrote([id])
    const asked = Promise.withResolvers<void>()
    const later = one.read(id, () => {
      asked.resolve()
      return load(id)()
    })
    // By then it has asked for itself, or it waits for the fill.
    await Promise.race([asked.promise, systemClock.sleep(300)])
    finish()
    await filling
    return [await later, 'new']
  },
}

const uncommitted: Interleaving = {
  name: 'a transaction reads through the cache what it wrote, and rolls back',
  async run({ open, ids: [id], transaction, load }) {
    const one = await open()
    const own = await transaction()
    await own.write(id, 'never')
    await one.read(id, own.load(id))
    await own.end('rollback')
    return [await one.read(id, load(id)), 'old']
  },
}

const outOfOrder: Interleaving = {
  name: 'ids commit out of order: 100 opens, 105 commits, a fill sees 105, 100 commits',
  async run({ open, ids, transaction, write, load }) {
    const one = await open()
    const [first, second] = ids
    const both = ids.join('+')
    await one.read(both, load(both))
    const early = await transaction()
    await early.write(first, 'new')
    await write(second)
    await one.wrote([second])
    await one.read(both, load(both))
    await early.end('commit')
    await one.wrote([first])
    return [await one.read(both, load(both)), 'new+new']
  },
}

const fromPsql: Interleaving = {
  name: 'a row is changed from psql: a read 1 s later',
  async run({ open, ids: [id], psql, load, within1s }) {
    const one = await open()
    await one.read(id, load(id))
    await psql(`update race_rows set value = 'new' where id = $1`, [id])
    return [await within1s(() => one.read(id, load(id)), 'new'), 'new']
  },
}

const writerDies: Interleaving = {
  name: 'the writer dies between COMMIT and the invalidation: a read 1 s later',
  async run({ open, ids: [id], write, load, within1s }) {
    const one = await open()
    await one.read(id, load(id))
    await write(id)
    return [await within1s(() => one.read(id, load(id)), 'new'), 'new']
  },
}

const unnamedRow: Interleaving = {
  name: 'a trigger changes a second row, which the writer does not name',
  async run({ open, ids: [id, follower], write, load, psql }) {
    const one = await open()
    await psql('update race_rows set follows = $1 where id = $2', [id, follower])
    await one.wrote([follower])
    await one.read(follower, load(follower))
    await write(id)
    await one.wrote([id])
    return [await one.read(follower, load(follower)), 'new']
  },
}

const messageUnderWay: Interleaving = {
  name: 'a second process is asked while the message about an acknowledged write is under way',
  async run({ open, isShared, ids: [id], write, load, messages }) {
    if (!isShared) {
      return undefined
    }
    const [one, other] = [await open(), await open()]
    await one.read(id, load(id))
    await other.read(id, load(id))
    const held = messages.hold()
    await write(id)
    const token = await one.wrote([id])
    const seen = await other.read(id, load(id), token)
    held.open()
    return [seen, 'new']
  },
}

const messageLost: Interleaving = {
  name: 'the message about an acknowledged write is lost: a read in a second process 1 s later',
  async run({ open, isShared, ids: [id], write, load, messages, within1s }) {
    if (!isShared) {
      return undefined
    }
    const [one, other] = [await open(), await open()]
    await one.read(id, load(id))
    await other.read(id, load(id))
    messages.cut()
    await write(id)
    await one.wrote([id])
    const seen = await within1s(() => other.read(id, load(id)), 'new')
    messages.mend()
    return [seen, 'new']
  },
}

const olderStoredLast: Interleaving = {
  name: 'an older fill is stored after a newer one: a third process reads',
  async run({ open, isShared, ids: [id], slow, write, load }) {
    if (!isShared) {
      return undefined
    }
    const [one, other] = [await open(), await open()]
    const { load: late, reached, open: finish } = slow(id)
    const filling = one.read(id, late)
    await reached
    await write(id)
    await other.wrote([id])
    const newer = other.read(id, load(id))
    // Where processes wait for each other's fills, this one ends first.
    await Promise.race([newer, systemClock.sleep(500)])
    finish()
    await Promise.all([filling, newer])
    return [await (await open()).read(id, load(id)), 'new']
  },
}

const redisAway: Interleaving = {
  name: 'Redis cannot be reached while a write is acknowledged: a read in a new process afterwards',
  async run({ open, isShared, ids: [id], write, load, redis }) {
    if (!isShared) {
      return undefined
    }
    const one = await open()
    await one.read(id, load(id))
    redis.cut()
    await write(id)
    // Whoever waits for Redis is given it back; whoever does not has acknowledged by then.
    const acknowledged = one.wrote([id]).catch(() => undefined)
    await Promise.race([acknowledged, systemClock.sleep(1_000)])
    redis.mend()
    await acknowledged
    return [await (await open()).read(id, load(id)), 'new']
  },
}

export const interleavings: readonly Interleaving[] = [
  fillOverlaps,
  readerJoins,
  uncommitted,
  outOfOrder,
  fromPsql,
  writerDies,
  unnamedRow,
  messageUnderWay,
  messageLost,
  olderStoredLast,
  redisAway,
]
