import type { NamedRead } from './remote-question.ts'

/** How a kept answer is asked for again: a URL, and whom it was made for. */
export type KeptQuestion = NamedRead & {
  /** Reads from which it may be written down outside this process: 0 for what tells nothing of a person, Infinity for what
   *  always may. What many have asked is nobody's own. */
  readonly tellableFromReads: number
}

/** What looks at the demand; each counts from its own last look. */
type Look = 'recording' | 'renewal'

/**
 * How often a question was asked. It is handed from an answer to the one that replaces it, for an answer that was fetched a
 * second ago says nothing of how much it is wanted. It goes with the answer when that is evicted: what had to leave was not
 * wanted much. The count itself is the one that an answer has anyway, so that a hit costs nothing more.
 */
export class Demand {
  readonly question: KeptQuestion
  #earlier = 0
  readonly #seen: Record<Look, number> = { recording: 0, renewal: 0 }

  constructor(question: KeptQuestion) {
    this.question = question
  }

  /** Its answer is replaced.  @param hits how often that was served */
  replaced(hits: number): void {
    this.#earlier += hits
  }

  /** Whether it may be written down outside this process. */
  isTellable(hits: number): boolean {
    return this.#earlier + hits >= this.question.tellableFromReads
  }

  /** Reads since `looked`.  @param hits how often the present answer was served */
  since(look: Look, hits: number): number {
    return this.#earlier + hits - this.#seen[look]
  }

  looked(look: Look, hits: number): void {
    this.#seen[look] = this.#earlier + hits
  }
}
