import type { Clock } from '../clock.ts'
import type { Lifecycle } from '../lifecycle.ts'
import type { Health } from './health.ts'

type Needs = { readonly clock: Clock; readonly lifecycle: Pick<Lifecycle, 'defer'> }

/** Has a process that is told to stop say first that it takes no more, and serve on for `pauseMs`: load balancers go on sending until
 *  they have asked again. To be called after everything that serves was opened. */
export function drainBeforeStop(
  health: Pick<Health, 'enter'>,
  pauseMs: number,
  { clock, lifecycle }: Needs,
): void {
  lifecycle.defer('readiness', async () => {
    health.enter('draining')
    await clock.sleep(pauseMs)
  })
}
