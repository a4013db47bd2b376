import type { Clock } from '../clock.ts'
import type { Lifecycle } from '../lifecycle.ts'
import type { Circuit } from './circuit.ts'
import { within } from './within.ts'

/** A cheap question to the dependency, asked at intervals while its circuit is open. */
export type Probe = {
  readonly run: (signal: AbortSignal) => Promise<unknown>
  readonly everyMs: number
  /** Pauses double up to this while nothing answers; always `everyMs` when left out. */
  readonly everyMsMax?: number
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

  async function pause(ms: number): Promise<boolean> {
    return clock.sleep(ms, stop.signal).then(
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
    const longestMs = probe.everyMsMax ?? probe.everyMs
    let pauseMs = probe.everyMs
    while (isOpen() && (await pause(pauseMs))) {
      await ask()
      pauseMs = Math.min(2 * pauseMs, longestMs)
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
