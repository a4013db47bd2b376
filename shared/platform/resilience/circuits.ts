import type { BreakerSnapshot, OperatedCircuit } from './circuit-breaker.ts'

/** The circuits of a process by the name of what is behind them; a closed set. */
export type Circuits = ReadonlyMap<string, OperatedCircuit>

/** Puts together the circuits that a process has.
 *  @param publishers of exchange rates; each is called `fx-<name>` */
export function circuitsOf({
  databaseCircuit,
  cache,
  publishers,
}: {
  readonly databaseCircuit: OperatedCircuit | undefined
  readonly cache?: { readonly circuit?: OperatedCircuit | undefined }
  readonly publishers: ReadonlyMap<string, OperatedCircuit>
}): Circuits {
  const circuits = new Map<string, OperatedCircuit>()
  if (databaseCircuit) {
    circuits.set('postgres', databaseCircuit)
  }
  if (cache?.circuit) {
    circuits.set('redis-cache', cache.circuit)
  }
  for (const [name, circuit] of publishers) {
    circuits.set(`fx-${name}`, circuit)
  }
  return circuits
}

/** What they all say now. */
export function snapshotsOf(circuits: Circuits): readonly (readonly [string, BreakerSnapshot])[] {
  return Array.from(circuits, ([name, circuit]) => [name, circuit.snapshot()] as const)
}
