import { Client } from 'pg'
import { ChangeLog, type CatchUp } from '../../../shared/platform/cache/change-log.ts'
import { Confirmation } from '../../../shared/platform/cache/confirmation.ts'
import type { Filling } from '../../../shared/platform/cache/entry.ts'
import { Flights } from '../../../shared/platform/cache/flights.ts'
import type { FaultName } from './faults.ts'
import { forgetAllButGreatest } from './greatest-only.ts'
import { replace } from './replace.ts'

// Each safeguard of the cache taken away from one process, by putting something else in place of a part of the product, and
// nothing in the product for it. What each one is there for stands in DESIGN 4.

export type SafeguardName = keyof typeof safeguards

export type Safeguard = {
  /** What is so while it is off. */
  readonly off: string
  /** What brings the trouble on that it is there for; nothing: the traffic alone. */
  readonly faults: readonly FaultName[]
  readonly writesPerSecond?: number
  /** Runs in the process before its cache is opened. */
  readonly remove?: () => void
  /** What is done to every fill. */
  readonly alter?: (filling: Filling) => Filling
}

const epoch = '00000000-0000-0000-0000-000000000000'
const sinceEver = { xmin: 0, xmax: 0, xip: [] }

export const safeguards = {
  validity: {
    off: 'every kept answer counts as current',
    faults: [],
    remove: () => void (ChangeLog.prototype.isCurrent = () => true),
  },
  'all-arrivals': {
    off: 'of each tag only the greatest transaction id is kept',
    faults: [],
    remove: forgetAllButGreatest,
  },
  running: {
    off: 'a catch-up asks for xid >= xmax, not for those that were running',
    faults: [],
    remove: catchUpByGreatest,
  },
  acknowledgement: {
    off: 'a write does not wait until it is seen',
    faults: [],
    remove() {
      Confirmation.prototype.acknowledge = async function acknowledge() {
        return this.stamp() ?? 'primary'
      }
    },
  },
  distrust: {
    off: 'after a write that could not wait for it, older answers are trusted',
    faults: ['followers frozen'],
    remove: () => void (Confirmation.prototype.isDistrusted = () => false),
  },
  'own-catch-up': { off: 'a catch-up that is under way is joined', faults: [] },
  'own-fill': {
    off: 'a fill that is under way is shared whatever it saw',
    faults: [],
    remove() {
      const { prototype }: { prototype: Flights<unknown> } = Flights
      replace(
        prototype,
        'join',
        (original) =>
          function join(this: Flights<unknown>, key, work) {
            return original.call(this, key, work, () => true)
          },
      )
    },
  },
  epoch: {
    off: 'a database that came back from a crash counts as the same',
    faults: ['database killed', 'database killed unheard'],
    remove: countEpochsAsOne,
    alter: (filling) => ({
      ...filling,
      ...(filling.stamp && { stamp: { ...filling.stamp, epoch } }),
    }),
  },
  floor: {
    off: 'nobody asks what was removed from the log before it was seen',
    faults: ['process stopped'],
    writesPerSecond: 12, // so that what was removed unseen is not soon written again
    remove: () => alterCatchUps((found) => ({ ...found, floor: sinceEver })),
  },
  'trust-bound': {
    off: 'answers are trusted however long nothing was heard',
    faults: ['one reader blind'],
    remove() {
      Confirmation.prototype.isConfirmed = function isConfirmed(held) {
        return !this.isDistrusted(held)
      }
    },
  },
  token: {
    off: 'a token is not looked at',
    faults: [],
    remove: () => void (Confirmation.prototype.reach = async () => true),
  },
  membership: {
    off: 'lists depend only on the rows that are in them',
    faults: [],
    alter: (filling) => ({
      ...filling,
      dependencies: { ...filling.dependencies, memberships: [] },
    }),
  },
} as const satisfies Record<string, Safeguard>

export function isSafeguard(name: string): name is SafeguardName {
  return Object.hasOwn(safeguards, name)
}

/** Takes them away from this process; returns what has to be done to its fills. */
export function removeSafeguards(names: readonly SafeguardName[]): (filling: Filling) => Filling {
  const removed: readonly Safeguard[] = names.map((name) => safeguards[name])
  removed.forEach(({ remove }) => remove?.())
  return (filling) =>
    removed.reduce((altered, { alter }) => (alter ? alter(altered) : altered), filling)
}

/** The floor that an epoch begins with goes with it: it is how the new one says that the log of the old one is gone. */
function countEpochsAsOne(): void {
  const floors = new Map<string, string>()
  alterCatchUps((found) => {
    const floor = JSON.stringify(found.floor)
    const first = floors.get(found.epoch) ?? floor
    floors.set(found.epoch, first)
    return { ...found, epoch, ...(floor === first && { floor: sinceEver }) }
  })
}

function alterCatchUps(alter: (found: CatchUp) => CatchUp): void {
  replace(
    ChangeLog.prototype,
    'apply',
    (original) =>
      function apply(this: ChangeLog, found) {
        original.call(this, alter(found))
      },
  )
}

/** The statement without its second half.  @throws {Error} when it is not the statement that this knows any more */
function catchUpByGreatest(): void {
  const half = /\s+or xid = any \(array\(select pg_snapshot_xip\(\$1::pg_snapshot\)\)\)/
  type Query = (this: Client, ...values: unknown[]) => unknown
  const prototype: { query: Query } = Client.prototype
  replace(
    prototype,
    'query',
    (original) =>
      function query(this: Client, config, ...rest) {
        if (!isCatchUp(config)) {
          return original.call(this, config, ...rest)
        }
        if (!half.test(config.text)) {
          throw new Error('the catch-up of the product is another one')
        }
        return original.call(this, { ...config, text: config.text.replace(half, '') }, ...rest)
      },
  )
}

function isCatchUp(config: unknown): config is { readonly text: string } {
  return typeof config === 'object' && Reflect.get(Object(config), 'name') === 'catch-up'
}
