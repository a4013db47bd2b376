import { systemClock } from '#platform/clock'
import { eventually } from '../platform/queue/fixture.ts'
import type { Answer } from './api.ts'

/** What readers were given since they began. */
export type Tally = {
  answered: number
  /** Anything but 200. */
  readonly failed: string[]
  /** Answered with 200 and not what it should have been. */
  readonly wrong: string[]
  /** Answers that said that they may be old. */
  flagged: number
  longestMs: number
}

export type Load = {
  readonly tally: Tally
  /** Resolves when so many more were answered. */
  more(count: number): Promise<void>
  /** Ends it, when all that was asked is answered. */
  stop(): Promise<Tally>
}

/** A read and whether its answer is right. */
export type Question = {
  readonly ask: () => Promise<Answer>
  readonly isRight: (answer: Answer) => boolean
}

/** Readers who ask one question after the other, without a pause, until they are stopped.
 *  @param next gives the n-th question */
export function startLoad(readers: number, next: (n: number) => Question): Load {
  const tally: Tally = { answered: 0, failed: [], wrong: [], flagged: 0, longestMs: 0 }
  const state = { isOver: false }
  let asked = 0
  async function read(): Promise<void> {
    while (!state.isOver) {
      asked += 1
      const { ask, isRight } = next(asked)
      const beganMs = systemClock.monotonicMs()
      const answer = await ask()
      tally.longestMs = Math.max(tally.longestMs, systemClock.monotonicMs() - beganMs)
      const status = answer.headers.get('cache-status') ?? ''
      const told = `${answer.status} ${status} ${answer.text.slice(0, 200)}`
      if (answer.status !== 200) {
        tally.failed.push(told)
      } else if (!isRight(answer)) {
        tally.wrong.push(told)
      }
      tally.flagged += status.includes('ttl=-') ? 1 : 0
      tally.answered += 1
    }
  }
  const running = Promise.all(Array.from({ length: readers }, read))
  running.catch(() => {
    state.isOver = true
  })
  return {
    tally,
    async more(count) {
      const wanted = tally.answered + count
      await eventually(() => (state.isOver || tally.answered >= wanted ? true : undefined), 30_000)
    },
    async stop() {
      state.isOver = true
      await running
      return tally
    },
  }
}
