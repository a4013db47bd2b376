import { expect } from 'chai'
import * as fc from 'fast-check'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Circuit, type CircuitLimits, type Outcome, type Pass } from '#platform/resilience/circuit'

// The circuit against a model that is written differently: it keeps the whole history and derives the state from it.

const limits: CircuitLimits = {
  failureThreshold: 5,
  windowMs: 60_000,
  resetTimeoutMs: 60_000,
  successThreshold: 2,
}

type Event =
  | {
      readonly what: 'opened' | 'half-opened' | 'closed' | 'trial' | 'trial-ended'
      readonly at: number
    }
  | { readonly what: 'answered' | 'failed'; readonly at: number }

type Model = {
  nowMs: number
  events: Event[]
  /** Leaves given and not yet settled: the real one, and how many phases there were when it was given. */
  readonly passes: { readonly real: Pass; readonly phases: number; readonly isTrial: boolean }[]
}

type Real = { readonly circuit: Circuit }

const phaseNames = ['opened', 'half-opened', 'closed']
const phasesOf = (model: Model) => model.events.filter(({ what }) => phaseNames.includes(what))
const sincePhase = (model: Model) => {
  const last = model.events.findLastIndex(({ what }) => phaseNames.includes(what))
  return model.events.slice(last + 1)
}

function stateOf(model: Model): 'CLOSED' | 'OPEN' | 'HALF_OPEN' {
  const last = phasesOf(model).at(-1)
  if (last?.what === 'opened' && model.nowMs >= last.at + limits.resetTimeoutMs) {
    model.events.push({ what: 'half-opened', at: model.nowMs })
    return 'HALF_OPEN'
  }
  return last?.what === 'opened' ? 'OPEN' : last?.what === 'half-opened' ? 'HALF_OPEN' : 'CLOSED'
}

function failuresInARow(model: Model): number {
  const here = sincePhase(model)
  const after = here.slice(here.findLastIndex(({ what }) => what === 'answered') + 1)
  return after.filter(({ what, at }) => what === 'failed' && model.nowMs - at < limits.windowMs)
    .length
}

function hasTrial(model: Model): boolean {
  return sincePhase(model).findLast(({ what }) => what.startsWith('trial'))?.what === 'trial'
}

class Ask implements fc.Command<Model, Real> {
  check = () => true
  run(model: Model, { circuit }: Real): void {
    const pass = circuit.admit(model.nowMs)
    const state = stateOf(model)
    const isAdmitted = state === 'CLOSED' || (state === 'HALF_OPEN' && !hasTrial(model))
    expect(pass !== undefined, `leave given while ${state}`).to.equal(isAdmitted)
    if (pass) {
      const isTrial = state === 'HALF_OPEN'
      expect(pass.isTrial).to.equal(isTrial)
      model.passes.push({ real: pass, phases: phasesOf(model).length, isTrial })
      model.events.push(...(isTrial ? [{ what: 'trial' as const, at: model.nowMs }] : []))
    }
  }
  toString = () => 'ask'
}

class Settle implements fc.Command<Model, Real> {
  readonly which: number
  readonly outcome: Outcome
  constructor(which: number, outcome: Outcome) {
    this.which = which
    this.outcome = outcome
  }
  check = (model: Readonly<Model>) => model.passes.length > 0
  run(model: Model, { circuit }: Real): void {
    const [pass] = model.passes.splice(this.which % model.passes.length, 1)
    if (!pass) {
      return
    }
    circuit.settle(pass.real, this.outcome, model.nowMs)
    const state = stateOf(model)
    if (pass.phases === phasesOf(model).length) {
      this.remember(model, pass.isTrial)
    }
    expect(circuit.view(model.nowMs).state).to.equal(stateOf(model), `was ${state}`)
  }
  remember(model: Model, isTrial: boolean): void {
    const at = model.nowMs
    const note = (what: Event['what']) => model.events.push({ what, at })
    if (isTrial) {
      note('trial-ended')
    }
    if (this.outcome !== 'unknown') {
      note(this.outcome)
    }
    const answers = sincePhase(model).filter(({ what }) => what === 'answered').length
    if (isTrial && this.outcome === 'failed') {
      note('opened')
    } else if (isTrial && answers >= limits.successThreshold) {
      note('closed')
    } else if (!isTrial && failuresInARow(model) >= limits.failureThreshold) {
      note('opened')
    }
  }
  toString = () => `settle(${this.which}, ${this.outcome})`
}

class Wait implements fc.Command<Model, Real> {
  readonly delayMs: number
  constructor(delayMs: number) {
    this.delayMs = delayMs
  }
  check = () => true
  run(model: Model, { circuit }: Real): void {
    model.nowMs += this.delayMs
    const view = circuit.view(model.nowMs)
    expect(view.state).to.equal(stateOf(model))
    const opened = phasesOf(model).at(-1)
    const waitMs =
      view.state === 'OPEN' ? (opened?.at ?? 0) + limits.resetTimeoutMs - model.nowMs : 0
    expect(view.waitMs).to.equal(waitMs)
  }
  toString = () => `wait(${this.delayMs})`
}

class ProbeAnswers implements fc.Command<Model, Real> {
  check = () => true
  run(model: Model, { circuit }: Real): void {
    circuit.reportProbe(model.nowMs)
    if (stateOf(model) === 'OPEN') {
      model.events.push({ what: 'half-opened', at: model.nowMs })
    }
    expect(circuit.view(model.nowMs).state).to.equal(stateOf(model))
  }
  toString = () => 'probe answers'
}

const outcome = fc.constantFrom<Outcome>('failed', 'failed', 'failed', 'answered', 'unknown')
const commands = fc.commands(
  [
    fc.constant(new Ask()),
    fc.constant(new Ask()),
    fc.tuple(fc.nat(5), outcome).map(([which, result]) => new Settle(which, result)),
    fc.tuple(fc.nat(5), outcome).map(([which, result]) => new Settle(which, result)),
    fc.constantFrom(1, 999, 10_000, 20_000, 59_000, 60_000).map((ms) => new Wait(ms)),
    fc.constant(new ProbeAnswers()),
  ],
  { maxCommands: 80, size: 'max' },
)

function compare(Type: typeof Circuit): void {
  fc.assert(
    fc.property(commands, (steps) => {
      const model: Model = { nowMs: 0, events: [], passes: [] }
      fc.modelRun(() => ({ model, real: { circuit: new Type(limits, () => {}) } }), steps)
    }),
    { numRuns: 1500, seed: 20_261_122 },
  )
}

describe('circuit', () => {
  it('behaves like the model under any order of calls, outcomes, waits and probes', () => {
    compare(Circuit)
  })

  it('opens at the fifth failure, waits 60 s, and closes after two answers', () => {
    const seen: string[] = []
    const circuit = new Circuit(limits, (from, to) => seen.push(`${from} > ${to}`))
    const call = (result: Outcome, nowMs: number) => {
      const pass = circuit.admit(nowMs)
      if (pass) {
        circuit.settle(pass, result, nowMs)
      }
      return pass !== undefined
    }
    for (const nowMs of [0, 1, 2, 3, 4]) {
      expect(circuit.view(nowMs).state).to.equal('CLOSED')
      expect(call('failed', nowMs)).to.equal(true)
    }
    expect(call('answered', 60_003)).to.equal(false)
    expect(call('answered', 60_004)).to.equal(true)
    expect(call('answered', 60_005)).to.equal(true)
    expect(seen).to.deep.equal(['CLOSED > OPEN', 'OPEN > HALF_OPEN', 'HALF_OPEN > CLOSED'])
  })
})

// Each rule, taken out of the source, must be missed by the comparison; otherwise the comparison proves nothing about it.
const rules: [string, string, string][] = [
  [
    'the fifth failure opens',
    '>= this.#limits.failureThreshold',
    '> this.#limits.failureThreshold',
  ],
  [
    'an answer clears the failures',
    "'answered') {\n      this.#failedAtMs = []",
    "'answered') {\n",
  ],
  ['old failures do not count', 'nowMs - atMs < this.#limits.windowMs', 'true'],
  ['an open circuit refuses', "=== 'OPEN' || this.#isTrialUnderWay", "=== 'OPEN' && false"],
  ['one trial at a time', "=== 'OPEN' || this.#isTrialUnderWay", "=== 'OPEN'"],
  ['a trial begins when the pause is over', '>= this.#openUntilMs', '> this.#openUntilMs'],
  [
    'a failed trial opens again',
    "this.#enter('OPEN', nowMs)\n    } else",
    'this.#phase += 0\n    } else',
  ],
  ['each pause begins anew', 'this.#openUntilMs = nowMs', 'this.#openUntilMs ||= nowMs'],
  ['two answers close', '>= this.#limits.successThreshold', '>= 1'],
  ['answers count within one phase', 'this.#successes = 0\n', ''],
  ['a late outcome of an earlier phase does not count', 'pass.phase !== this.#phase', 'false'],
  [
    'an outcome that nobody can tell frees the trial',
    'this.#isTrialUnderWay = false\n    if',
    "this.#isTrialUnderWay = outcome === 'unknown'\n    if",
  ],
  [
    'a probe ends the pause',
    "#enter('HALF_OPEN', nowMs)\n    }\n  }\n\n  view",
    '#phase += 0}}\n view',
  ],
  [
    'a probe changes nothing unless the circuit is open',
    "if (this.#state === 'OPEN') {",
    "if (this.#state !== 'HALF_OPEN') {",
  ],
]

describe('the comparison with the model', () => {
  const source = readFileSync('shared/platform/resilience/circuit.ts', 'utf8')
  const directory = mkdtempSync(join(tmpdir(), 'tidegate-circuit-'))
  after(() => rmSync(directory, { recursive: true }))

  for (const [index, [rule, original, broken]] of rules.entries()) {
    it(`notices when this rule is broken: ${rule}`, async () => {
      expect(source, 'the rule is no longer written like this').to.include(original)
      const path = join(directory, `circuit-${index}.ts`)
      writeFileSync(path, source.replace(original, broken))
      const module: { Circuit: typeof Circuit } = await import(pathToFileURL(path).href)
      expect(() => compare(module.Circuit)).to.throw('Property failed after')
    })
  }
})
