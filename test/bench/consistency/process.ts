import { createDice, type Dice } from './dice.ts'
import { Checking, type Proof } from './checking.ts'
import { Delays } from './delays.ts'
import { Knowledge, type Event } from './knowledge.ts'
import { openMember, type Member } from './member.ts'
import type { FromProcess, Setup, ToProcess, TokenNews } from './messages.ts'
import { makeQuestions, type Question } from './questions.ts'
import { removeSafeguards } from './safeguards.ts'
import { readToken, writeToken } from '../../../shared/platform/cache/consistency-token.ts'
import { machineMs } from '../machine-clock.ts'
import { processesCount } from './universe.ts'
import { Writing, type Acknowledged } from './writing.ts'

// One process of the checker: it writes its own cells, reads everybody's, and judges every answer.

/** At a time, of all questions and of one. */
const readersMax = 400
const readersOfOneMax = 6
/** Of the fills, those that take longer than a write. */
const lingeringShare = 0.1
const writersCount = 4
const readsPerTurn = 50
/** News go out so often, and at least so often when there are none. */
const newsMs = 8
const silenceMs = 40
const keyRing = [{ id: 'a', secret: Buffer.from('consistency') }]

const send = (message: FromProcess): void => void process.send?.(message)

const nextTurn = (): Promise<void> => new Promise((resolve) => void setImmediate(() => resolve()))

class Participant {
  readonly #setup: Setup
  readonly #member: Member
  readonly #dice: Dice
  readonly #knowledge: Knowledge
  readonly #delays = new Delays()
  readonly #checking: Checking
  readonly #writing: Writing
  readonly #questions: readonly Question[]
  readonly #byCell: ReadonlyMap<number, readonly Question[]>
  #untold: Event[] = []
  #toldAtMs = 0
  #recent: number[] = []
  #begun = 0
  #waiting = 0
  /** How many readers of each question wait. */
  readonly #asked = new Map<Question, number>()
  #stage: 'all' | 'reads' | 'nothing' = 'all'
  #isQuiet = false

  constructor(setup: Setup, member: Member, questions: readonly Question[]) {
    const { self, seed, organisationIds } = setup
    this.#setup = setup
    this.#member = member
    this.#questions = questions
    this.#dice = createDice(seed * 31 + self)
    this.#knowledge = new Knowledge(self)
    this.#checking = new Checking(
      member.cache,
      { knowledge: this.#knowledge, delays: this.#delays },
      (violation) => send({ kind: 'violation', violation }),
    )
    this.#byCell = groupByCell(questions)
    this.#writing = new Writing(
      member,
      { organisationIds, dice: createDice(seed * 37 + self), lane: self },
      {
        onEvent: (event) => this.#happened(event),
        onAcknowledged: (written) => void this.#readBack(written),
      },
    )
  }

  /** Until it is told to end. */
  async run(): Promise<void> {
    const { readsPerSecond, writesPerSecond } = this.#setup
    const news = setInterval(() => this.#tell(), newsMs)
    const progress = setInterval(() => this.#report(), 100)
    const writers = Array.from({ length: writersCount }, () =>
      this.#write((1_000 * writersCount) / writesPerSecond),
    )
    await Promise.all([...writers, this.#readOn(readsPerSecond), this.#watch()])
    clearInterval(news)
    clearInterval(progress)
    this.#report()
    this.#tell(Infinity)
  }

  hear(message: ToProcess): void {
    if (message.kind === 'news') {
      this.#knowledge.take(message.news)
      for (const event of message.news.events) {
        this.#delays.heard(event)
        this.#touched(event.cell)
      }
    } else if (message.kind === 'token') {
      void this.#readWith(message.token)
    } else if (message.kind === 'quiet') {
      this.#isQuiet = message.isQuiet
    } else if (message.kind === 'end') {
      this.#stage = message.of === 'writes' ? 'reads' : 'nothing'
    }
  }

  /** Once everything is known. */
  result(): FromProcess {
    this.#checking.settle()
    return {
      kind: 'result',
      result: {
        counts: this.#checking.counts,
        writes: this.#writing.counts,
        delays: this.#delays.found,
        unsettled: this.#checking.deferredCount,
        cache: this.#member.cache.report().counters,
      },
    }
  }

  async #write(pauseMs: number): Promise<void> {
    const { clock } = this.#member.reading
    while (this.#stage === 'all') {
      await clock.sleep(2 * pauseMs * this.#dice.fraction())
      if (!this.#isQuiet) {
        await this.#writing.write()
      }
    }
  }

  /** Asks without waiting for what was asked before, as many clients would; at most so many at a time. */
  async #readOn(readsPerSecond: number): Promise<void> {
    const { clock } = this.#member.reading
    const beganAtMs = machineMs()
    while (this.#stage !== 'nothing' || this.#waiting > 0) {
      this.#knowledge.advance(machineMs())
      const dueMs = beganAtMs + (1_000 * this.#begun) / readsPerSecond - machineMs()
      if (dueMs <= 0 && this.#stage !== 'nothing') {
        this.#askSome()
        await nextTurn()
      } else {
        await clock.sleep(1)
      }
    }
  }

  #askSome(): void {
    for (let turn = 0; turn < readsPerTurn && this.#waiting < readersMax; turn += 1) {
      const question = this.#pick()
      const asked = this.#asked.get(question) ?? 0
      if (asked < readersOfOneMax) {
        this.#begun += 1
        this.#waiting += 1
        this.#asked.set(question, asked + 1)
        void this.#checking.ask(question).then(() => {
          this.#waiting -= 1
          this.#asked.set(question, (this.#asked.get(question) ?? 0) - 1)
        })
      }
    }
  }

  /** Reads what others wrote and nobody here has seen yet, again and again. */
  async #watch(): Promise<void> {
    const { clock } = this.#member.reading
    while (this.#stage !== 'nothing') {
      for (const cell of this.#delays.wanted()) {
        const [item] = this.#byCell.get(cell) ?? []
        if (item) {
          await this.#checking.ask(item)
        }
      }
      await clock.sleep(1)
    }
  }

  /** Every second one depends on something that was written just now. */
  #pick(): Question {
    const [first] = this.#questions
    if (!first) {
      throw new Error('there is nothing to ask')
    }
    if (this.#recent.length > 0 && this.#dice.fraction() < 0.5) {
      const cell = this.#recent[this.#dice.below(this.#recent.length)] ?? 0
      const touched = this.#byCell.get(cell) ?? []
      return touched[this.#dice.below(touched.length)] ?? first
    }
    return this.#questions[this.#dice.below(this.#questions.length)] ?? first
  }

  #happened(event: Event): void {
    this.#knowledge.note(event, true)
    this.#untold.push(event)
    this.#touched(event.cell)
  }

  #touched(cell: number): void {
    this.#recent = [...this.#recent.slice(-7), cell]
  }

  /** What was just written, in this process, and with its token in another one. */
  async #readBack({ cells, versions, consistency }: Acknowledged): Promise<void> {
    if (consistency !== undefined) {
      const others = processesCount - 1
      const to = (this.#setup.self + 1 + this.#dice.below(others)) % processesCount
      const token = writeToken(keyRing, consistency)
      send({ kind: 'token', token: { to, token, least: [...versions] } })
    }
    await Promise.all(this.#questionsOf(cells).map((question) => this.#checking.ask(question)))
  }

  async #readWith({ token, least }: TokenNews): Promise<void> {
    const consistency = readToken(keyRing, token)
    if (consistency === undefined) {
      throw new Error('a token that this process cannot read')
    }
    const proof: Proof = { consistency, least: new Map(least) }
    const questions = this.#questionsOf(least.map(([cell]) => cell))
    await Promise.all(questions.map((question) => this.#checking.ask(question, proof)))
  }

  /** Of each cell the item, and three others. */
  #questionsOf(numbers: readonly number[]): readonly Question[] {
    const questions = numbers.flatMap((cell) => {
      const all = this.#byCell.get(cell) ?? []
      const some = Array.from({ length: 3 }, () => all[this.#dice.below(all.length)])
      return [all[0], ...some].filter((one) => one !== undefined)
    })
    return [...new Set(questions)]
  }

  #tell(untilMs = machineMs()): void {
    this.#checking.settle()
    if (this.#untold.length === 0 && untilMs - this.#toldAtMs < silenceMs) {
      return
    }
    this.#toldAtMs = untilMs
    const events = this.#untold
    this.#untold = []
    send({ kind: 'news', news: { from: this.#setup.self, untilMs, events } })
  }

  #report(): void {
    send({ kind: 'progress', counts: this.#checking.counts })
  }
}

/** The item first. */
function groupByCell(questions: readonly Question[]): ReadonlyMap<number, readonly Question[]> {
  const byCell = new Map<number, Question[]>()
  const sorted = questions.toSorted((one, other) => one.cells.length - other.cells.length)
  for (const question of sorted) {
    for (const cell of question.cells) {
      byCell.set(cell, [...(byCell.get(cell) ?? []), question])
    }
  }
  return byCell
}

async function main(): Promise<void> {
  const setup: Setup = JSON.parse(process.env['BENCH_SETUP'] ?? '{}')
  const alter = removeSafeguards(setup.without)
  const member = await openMember(setup.place, setup.without)
  const { reader, reading } = member
  const dice = createDice(setup.seed * 43 + setup.self)
  const linger = async (): Promise<void> => {
    if (dice.fraction() < lingeringShare) {
      await reading.clock.sleep(60 * dice.fraction())
    }
  }
  const { organisationIds } = setup
  const making = { reader, db: reading.db, organisationIds, alter, linger }
  const participant = new Participant(setup, member, makeQuestions(making))
  const begun = Promise.withResolvers<void>()
  const told = Promise.withResolvers<void>()
  let ends = 0
  process.on('message', (message: ToProcess) => {
    participant.hear(message)
    if (message.kind === 'begin') {
      begun.resolve()
    }
    if (message.kind === 'news' && message.news.untilMs === Infinity) {
      ends += 1
    }
    if (ends === processesCount - 1) {
      told.resolve()
    }
  })
  send({ kind: 'ready' })
  await begun.promise
  await participant.run()
  await told.promise
  send(participant.result())
  await member.close()
  process.disconnect?.()
}

process.on('disconnect', () => process.exit())
main().catch((error: unknown) => {
  send({ kind: 'broken', error: String(Reflect.get(Object(error), 'stack')) })
})
