import type { Counts, Violation } from './checking.ts'
import type { Delay } from './delays.ts'
import type { News } from './knowledge.ts'
import type { Place } from './member.ts'
import type { SafeguardName } from './safeguards.ts'

/** What a process of the checker is started with. */
export type Setup = {
  readonly self: number
  readonly seed: number
  readonly place: Place
  readonly organisationIds: readonly string[]
  readonly readsPerSecond: number
  readonly writesPerSecond: number
  readonly without: readonly SafeguardName[]
}

/** A write's token, on its way to a reader in another process. */
export type TokenNews = {
  readonly to: number
  readonly token: string
  readonly least: readonly (readonly [cell: number, version: number])[]
}

export type FromProcess =
  | { readonly kind: 'ready' }
  | { readonly kind: 'news'; readonly news: News }
  | { readonly kind: 'token'; readonly token: TokenNews }
  | { readonly kind: 'progress'; readonly counts: Counts }
  | { readonly kind: 'violation'; readonly violation: Violation }
  | { readonly kind: 'result'; readonly result: Result }
  | { readonly kind: 'broken'; readonly error: string }

export type ToProcess =
  | { readonly kind: 'news'; readonly news: News }
  | { readonly kind: 'token'; readonly token: TokenNews }
  | { readonly kind: 'begin' }
  /** No more commits for a while. */
  | { readonly kind: 'quiet'; readonly isQuiet: boolean }
  /** `writes`: no more of them; `reads`: neither. */
  | { readonly kind: 'end'; readonly of: 'writes' | 'reads' }

export type Result = {
  readonly counts: Counts
  readonly writes: {
    readonly acknowledged: number
    readonly rolledBack: number
    readonly unknown: number
  }
  readonly delays: readonly Delay[]
  readonly unsettled: number
  readonly cache: Readonly<Record<string, number>>
}
