import type { Clock } from '../clock.ts'
import type { Lifecycle } from '../lifecycle.ts'
import type { Circuit } from './circuit.ts'
import { within } from './within.ts'

/** A cheap question to the dependency, asked at intervals while its circuit is open. */
export type Probe = {
  readonly run: (signal: AbortSignal) => Promise<unknown>
  readonly everyMs: number
  readonly timeoutMs: number
}

type Needs = { readonly clock: Clock; readonly lifecycle: Pick<Lifecycle, 'background' | 'defer'> }

/** Gives the function that begins probing. It ends by itself when the circuit is no longer open, or with the lifecycle;
 *  begun twice, it still asks one question at a time. */
export function createProbing(
  name: string,
  probe: Probe,
  circuit: Circuit,
  { clock, lifecycle }: Needs,
): () => void {
  const stop = new AbortController()
  lifecycle.defer(`probe of ${name}`, async () => stop.abort())
  let isRunning = false

  const isOpen = (): boolean => circuit.view(clock.monotonicMs()).state === 'OPEN'

  async function pause(): Promise<boolean> {
    return clock.sleep(probe.everyMs, stop.signal).then(
      () => isOpen(),
      () => false,
    )
  }

  async function ask(): Promise<void> {
    const isAnswered = await within(probe.timeoutMs, clock, probe.run).then(
      () => true,
      () => false,
    )
    if (isAnswered) {
      circuit.reportProbe(clock.monotonicMs())
    }
  }

  async function untilAnswered(): Promise<void> {
    while (isOpen() && (await pause())) {
      await ask()
    }
    isRunning = false
  }

  return () => {
    if (!isRunning) {
      isRunning = true
      lifecycle.background(`probe of ${name}`, untilAnswered())
    }
  }
}
