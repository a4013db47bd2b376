import { z } from 'zod'
import { Problem } from '../problem.ts'
import { snapshotsOf, type Circuits } from './circuits.ts'
import { resilienceProblems } from './problems.ts'

const states = z.enum(['CLOSED', 'OPEN', 'HALF_OPEN'])

/** One circuit as operators are shown it; `nextAttemptAt` is null unless it is open. */
export const circuitFigures = z.object({
  name: z.string(),
  state: states,
  failures: z.int(),
  nextAttemptAt: z.iso.datetime().nullable(),
  transitions: z.record(states, z.int()),
})
export type CircuitFigures = z.infer<typeof circuitFigures>

/** What became of a circuit that was to be closed. */
export const resetReply = z.object({ before: states })
export type ResetReply = z.infer<typeof resetReply>

/** Every circuit of this process. */
export function describeCircuits(circuits: Circuits): readonly CircuitFigures[] {
  return snapshotsOf(circuits).map(([name, { nextAttemptAt, ...snapshot }]) => ({
    name,
    ...snapshot,
    nextAttemptAt: nextAttemptAt?.toISOString() ?? null,
  }))
}

/** Closes one circuit of this process.  @throws {Problem} platform/circuit-unknown */
export function resetCircuit(circuits: Circuits, name: string): ResetReply {
  const circuit = circuits.get(name)
  if (!circuit) {
    const known = [...circuits.keys()].join(', ')
    throw new Problem(resilienceProblems.circuitUnknown, `There is none called ${name}: ${known}.`)
  }
  return { before: circuit.reset() }
}
