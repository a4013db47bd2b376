import type { Cache } from '../../../shared/platform/cache/cache.ts'
import type { Consistency } from '../../../shared/platform/cache/consistency-token.ts'
import type { Held } from '../../../shared/platform/cache/held.ts'
import type { Served } from '../../../shared/platform/cache/served.ts'
import { formatSnapshot } from '../../../shared/platform/cache/snapshot.ts'
import { machineMs } from '../machine-clock.ts'
import type { Delays } from './delays.ts'
import { judge, type Answer, type Bounds, type Complaint } from './judge.ts'
import { boundMs, type Knowledge } from './knowledge.ts'
import type { Question } from './questions.ts'
import { cells } from './universe.ts'

/** A reader's proof of what it must see: the token, and the versions that it stands for, by cell. */
export type Proof = {
  readonly consistency: Consistency
  readonly least: ReadonlyMap<number, number>
}

export type Violation = {
  readonly process: number
  readonly promise: 'same process' | 'token' | 'after the bound'
  readonly question: string
  readonly what: string
  readonly cell: string
  readonly expected: string
  readonly seen: string
  readonly how: string
  readonly stamp: string
  readonly beganAtMs: number
  /** Reads of this process until then. */
  readonly reads: number
}

export type Counts = {
  reads: number
  contested: number
  withToken: number
  hits: number
  redisHits: number
  misses: number
  unconfirmed: number
  sourceDown: number
  failed: number
  deferred: number
  violations: number
}

type Read = {
  readonly question: Question
  readonly held: Held
  readonly answer: Answer
  readonly how: Served['outcome']
  readonly tier: Served['tier']
  readonly beganAtMs: number
  readonly endedAtMs: number
  readonly proof: Proof | undefined
}

/** What of a question was last found to be right, and what was last put off. */
type Verified = {
  held: Held | undefined
  demands: number
  deferred: Held | undefined
  deferredAtMs: number
}

/** A write so shortly before makes a read a contested one: one that proves something. */
const contestedMs = 50
/** An answer that cannot be judged yet is noted so often at most. */
const deferralMs = 20
/** Violations of one process that are told one by one. */
const toldMax = 20

/** Asks the cache and judges every answer: by what is known when it comes, and again, where that is not enough, once
 *  everything is known that happened until then. */
export class Checking {
  readonly counts: Counts = {
    reads: 0,
    contested: 0,
    withToken: 0,
    hits: 0,
    redisHits: 0,
    misses: 0,
    unconfirmed: 0,
    sourceDown: 0,
    failed: 0,
    deferred: 0,
    violations: 0,
  }
  readonly #cache: Cache
  readonly #knowledge: Knowledge
  readonly #delays: Delays
  readonly #onViolation: (violation: Violation) => void
  readonly #answers = new WeakMap<Held, Answer>()
  readonly #verified = new Map<Question, Verified>()
  #deferred: Read[] = []

  constructor(
    cache: Cache,
    { knowledge, delays }: { readonly knowledge: Knowledge; readonly delays: Delays },
    onViolation: (violation: Violation) => void,
  ) {
    this.#cache = cache
    this.#knowledge = knowledge
    this.#delays = delays
    this.#onViolation = onViolation
  }

  async ask(question: Question, proof?: Proof): Promise<void> {
    const { read } = question
    const demands = this.#demandsOn(question)
    const beganAtMs = machineMs()
    let served: Served
    try {
      served = await this.#cache.read(proof ? { ...read, consistency: proof.consistency } : read)
    } catch {
      this.counts.failed += 1
      return
    }
    this.#count(question, served, { beganAtMs, proof })
    const { held, outcome } = served
    const verified = this.#verifiedOf(question)
    const isKnown = verified.held === held && verified.demands === demands && !proof
    if ((isKnown && !this.#isBehind(beganAtMs)) || outcome === 'source-down') {
      return
    }
    const endedAtMs = machineMs()
    const answer = this.#answerOf(question, held, endedAtMs)
    const { outcome: how, tier } = served
    const known = { question, held, answer, how, tier, beganAtMs, endedAtMs, proof }
    if (this.#judge(known) && outcome !== 'unconfirmed') {
      verified.held = held
      verified.demands = demands
    }
  }

  /** Judges again what could not be judged before. */
  settle(): void {
    const heardUntilMs = this.#knowledge.heardUntilMs()
    const isDue = ({ endedAtMs }: Read): boolean => endedAtMs < heardUntilMs
    const due = this.#deferred.filter(isDue)
    if (due.length > 0) {
      this.#deferred = this.#deferred.filter((read) => !isDue(read))
      for (const read of due) {
        const complaint = judge(read.question.subject, read.answer, this.#boundsOf(read))
        if (complaint) {
          this.#violated(read, complaint)
        }
      }
    }
  }

  get deferredCount(): number {
    return this.#deferred.length
  }

  /** Whether nothing is wrong as far as is known. */
  #judge(read: Read): boolean {
    const { question, answer, beganAtMs, endedAtMs } = read
    const complaint = judge(question.subject, answer, this.#boundsOf(read))
    const isSure =
      complaint === undefined ||
      complaint.what === 'older' ||
      this.#knowledge.heardUntilMs() > endedAtMs
    if (complaint && isSure) {
      this.#violated(read, complaint)
      return false
    }
    const isUnheard = answer.shown.some(
      ({ cell, version }) => version > this.#knowledge.started(cell.index),
    )
    if (complaint || isUnheard || this.#isBehind(beganAtMs)) {
      this.#defer(read)
    }
    return complaint === undefined
  }

  #defer(read: Read): void {
    const verified = this.#verifiedOf(read.question)
    const { held, endedAtMs } = read
    if (held !== verified.deferred || endedAtMs - verified.deferredAtMs > deferralMs) {
      verified.deferred = held
      verified.deferredAtMs = endedAtMs
      this.counts.deferred += 1
      this.#deferred.push(read)
    }
  }

  /** Whether there may be writes that every process must know of by then, but this checker does not. */
  #isBehind(beganAtMs: number): boolean {
    return this.#knowledge.heardUntilMs() < beganAtMs - boundMs
  }

  #boundsOf(read: Read, promise?: Violation['promise']): Bounds {
    const knowledge = this.#knowledge
    const { beganAtMs, endedAtMs, how, proof } = read
    const isWanted = (one: Violation['promise']): boolean =>
      promise === undefined || promise === one
    const isBound = how !== 'unconfirmed' && isWanted('after the bound')
    return {
      least({ index }) {
        const own = isWanted('same process') ? knowledge.ownBefore(index, beganAtMs) : 0
        const shown = isWanted('token') ? (proof?.least.get(index) ?? 0) : 0
        const late = isBound ? knowledge.acknowledgedBefore(index, beganAtMs - boundMs) : 0
        return Math.max(own, shown, late)
      },
      most: ({ index }) => knowledge.startedBefore(index, endedAtMs),
      isVoid: ({ index }, version) => knowledge.isVoid(index, version),
    }
  }

  #violated(read: Read, { what, cell, expected, seen }: Complaint): void {
    this.counts.violations += 1
    if (this.counts.violations > toldMax) {
      return
    }
    const { question, held, how, tier, beganAtMs } = read
    const promises = ['same process', 'token', 'after the bound'] as const
    const broken = promises.find((promise) =>
      judge(question.subject, read.answer, this.#boundsOf(read, promise)),
    )
    this.#onViolation({
      process: this.#knowledge.self,
      promise: broken ?? 'after the bound',
      question: question.name,
      what,
      cell: `${cell.kind} ${cell.organisation}/${cell.place}`,
      expected,
      seen,
      how: `${how} from ${tier}`,
      stamp: `${held.stamp.epoch} ${formatSnapshot(held.stamp.snapshot)}`,
      beganAtMs,
      reads: this.counts.reads,
    })
  }

  #count(
    question: Question,
    { outcome, tier }: Served,
    { beganAtMs, proof }: Pick<Read, 'beganAtMs' | 'proof'>,
  ): void {
    const { counts } = this
    const sinceMs = beganAtMs - contestedMs
    const { touchedAtMs } = this.#knowledge
    counts.reads += 1
    counts.contested += question.cells.some((cell) => (touchedAtMs[cell] ?? 0) >= sinceMs) ? 1 : 0
    counts.withToken += proof ? 1 : 0
    counts.unconfirmed += outcome === 'unconfirmed' ? 1 : 0
    counts.sourceDown += outcome === 'source-down' ? 1 : 0
    counts.misses += outcome === 'miss' ? 1 : 0
    if (outcome === 'hit' || outcome === 'aged') {
      counts.hits += 1
      counts.redisHits += tier === 'redis' ? 1 : 0
    }
  }

  #answerOf(question: Question, held: Held, endedAtMs: number): Answer {
    const known = this.#answers.get(held)
    if (known) {
      return known
    }
    const answer = question.parse(held)
    this.#answers.set(held, answer)
    answer.shown.forEach(({ cell, version }) => this.#delays.seen(cell, version, endedAtMs))
    return answer
  }

  #demandsOn({ cells: [first = 0] }: Question): number {
    return this.#knowledge.demands[cells[first]?.organisation ?? 0] ?? 0
  }

  #verifiedOf(question: Question): Verified {
    const known = this.#verified.get(question)
    const nothing = { held: undefined, demands: -1, deferred: undefined, deferredAtMs: -Infinity }
    const verified = known ?? nothing
    if (!known) {
      this.#verified.set(question, verified)
    }
    return verified
  }
}
