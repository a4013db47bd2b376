import type { Config } from '#config'
import type { Caller } from '#members'
import { openLimiter, type Quota } from '#platform/rate-limit/limiter'
import type { SharePlace } from '#platform/rate-limit/share'
import type { Platform } from '#platform/platform'
import { addressPartition } from './address-partition.ts'
import { createKnownCredentials, type KnownCredentials } from './known-credentials.ts'

/** What a route may declare besides its caller's quota; each counts by address. */
export type RouteClass = 'checkout' | 'payment' | 'webhooks'

/** Whether a request may go on, and the two header fields of its answer, absent where nothing is limited. */
export type Taken = {
  readonly isAllowed: boolean
  readonly policyHeader: string | undefined
  readonly limitHeader: string | undefined
  /** Of the first quota that is used up: its name, and when to try again. */
  readonly violated?: { readonly policy: string; readonly resetSeconds: number }
}

/** One quota, as `GET /api/v2/rate-limits` shows it. */
export type LimitState = {
  readonly policy: string
  readonly quota: number
  readonly windowSeconds: number
  readonly remaining: number
  readonly resetSeconds: number
}

/** The limits of the API. Every call is synchronous; what is refused is not counted. */
export type Limits = {
  /** Counts a request of a caller. On the way of every request: two strings are made and nothing else. */
  takeFor(caller: Caller): Taken
  /** Likewise, of a route that has a class of its own. Both count, or neither. */
  takeForRoute(caller: Caller, address: string | undefined, routeClass: RouteClass): Taken
  /** Counts a request without a good credential. */
  takeForAddress(address: string | undefined): Taken
  /** The same two, counting nothing. */
  lookFor(caller: Caller): Taken
  lookForAddress(address: string | undefined): Taken
  /** All quotas that concern a caller at an address, the caller's own first. */
  list(caller: Caller, address: string | undefined): readonly LimitState[]
  /** Good credentials are not kept waiting by what others do at the same address. */
  readonly known: KnownCredentials
}

type Name = keyof Config['rateLimits']['perMinute']

const routeClasses: readonly RouteClass[] = ['checkout', 'payment', 'webhooks']

/** Opens the limits of one process; without a place in Redis each process counts for itself. */
export function openLimits(
  { isEnabled, perMinute }: Config['rateLimits'],
  place: SharePlace | undefined,
  platform: Pick<Platform, 'clock' | 'random' | 'log' | 'lifecycle'>,
): Limits {
  if (!isEnabled) {
    return unlimited
  }
  const policyOf = (name: Name) => ({ name, quota: perMinute[name], windowSeconds: 60 })
  const policies: Readonly<Record<Name, ReturnType<typeof policyOf>>> = {
    anonymous: policyOf('anonymous'),
    key: policyOf('key'),
    load: policyOf('load'),
    checkout: policyOf('checkout'),
    payment: policyOf('payment'),
    webhooks: policyOf('webhooks'),
  }
  const { quotas } = openLimiter(policies, place, platform)
  const meters = {
    anonymous: meterOf(quotas.anonymous),
    key: meterOf(quotas.key),
    load: meterOf(quotas.load),
    checkout: meterOf(quotas.checkout),
    payment: meterOf(quotas.payment),
    webhooks: meterOf(quotas.webhooks),
  }
  const ofCaller = (caller: Caller): Meter => (caller.class === 'load' ? meters.load : meters.key)
  return {
    takeFor: (caller) => ofCaller(caller).take(caller.keyId),
    takeForRoute(caller, address, routeClass) {
      const [own, route] = [ofCaller(caller), meters[routeClass]]
      const partition = addressPartition(address)
      const isRoom = own.look(caller.keyId).isAllowed && route.look(partition).isAllowed
      const call = isRoom ? 'take' : 'look'
      return both(own[call](caller.keyId), route[call](partition))
    },
    takeForAddress: (address) => meters.anonymous.take(addressPartition(address)),
    lookFor: (caller) => ofCaller(caller).look(caller.keyId),
    lookForAddress: (address) => meters.anonymous.look(addressPartition(address)),
    list(caller, address) {
      const partition = addressPartition(address)
      const others = [meters.anonymous, ...routeClasses.map((name) => meters[name])]
      return [
        ofCaller(caller).state(caller.keyId),
        ...others.map((meter) => meter.state(partition)),
      ]
    },
    known: createKnownCredentials(),
  }
}

type Meter = {
  take(partition: string): Taken
  look(partition: string): Taken
  state(partition: string): LimitState
}

/** Writes what a quota says as header fields (draft-ietf-httpapi-ratelimit-headers-11). Names are ours and need no quoting
 *  beyond the marks. */
function meterOf(counting: Quota): Meter {
  const { name, quota, windowSeconds } = counting.policy
  const policyHeader = `"${name}";q=${quota};w=${windowSeconds}`
  const prefix = `"${name}";r=`
  const taken = ({ isAllowed, remaining, resetSeconds }: ReturnType<Quota['look']>): Taken => {
    const limitHeader = `${prefix}${remaining};t=${resetSeconds}`
    return isAllowed
      ? { isAllowed, policyHeader, limitHeader }
      : { isAllowed, policyHeader, limitHeader, violated: { policy: name, resetSeconds } }
  }
  return {
    take: (partition) => taken(counting.take(partition)),
    look: (partition) => taken(counting.look(partition)),
    state(partition) {
      const { remaining, resetSeconds } = counting.look(partition)
      return { policy: name, quota, windowSeconds, remaining, resetSeconds }
    },
  }
}

function both(one: Taken, other: Taken): Taken {
  const violated = [one.violated, other.violated]
    .filter((each) => each !== undefined)
    .toSorted((left, right) => right.resetSeconds - left.resetSeconds)[0]
  return {
    isAllowed: one.isAllowed && other.isAllowed,
    policyHeader: `${one.policyHeader}, ${other.policyHeader}`,
    limitHeader: `${one.limitHeader}, ${other.limitHeader}`,
    ...(violated && { violated }),
  }
}

const free: Taken = { isAllowed: true, policyHeader: undefined, limitHeader: undefined }

/** What stands in place of limits that are switched off. */
const unlimited: Limits = {
  takeFor: () => free,
  takeForRoute: () => free,
  takeForAddress: () => free,
  lookFor: () => free,
  lookForAddress: () => free,
  list: () => [],
  known: { add: () => undefined, has: () => false },
}
