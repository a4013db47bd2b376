import type { Clock } from '../clock.ts'
import type { Lifecycle } from '../lifecycle.ts'
import type { Listening } from '../listen.ts'
import type { Health } from './health.ts'

type Parts = {
  readonly health: Pick<Health, 'enter'>
  readonly listening: Pick<Listening, 'drain'>
  readonly clock: Clock
  readonly lifecycle: Pick<Lifecycle, 'defer'>
}

/** Has a process that is told to stop say first that it takes no more, and serve on for `pauseMs`, each
 *  connection once more: load balancers go on sending until they have asked again. To be called after everything that serves was opened. */
export function drainBeforeStop(
  pauseMs: number,
  { health, listening, clock, lifecycle }: Parts,
): void {
  lifecycle.defer('readiness', async () => {
    health.enter('draining')
    listening.drain()
    await clock.sleep(pauseMs)
  })
}
