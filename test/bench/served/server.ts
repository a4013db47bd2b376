import { startForked } from '../forked.ts'
import type { ReadyKind, ReadySetup } from '../processes/ready-answer.ts'

/** A server that runs, whoever made it. */
export type Server = {
  readonly name: string
  /** Its first process; what that started belongs to it. */
  readonly pid: number
  readonly port: number
  stop(): Promise<void>
}

/** A server whose answers are ready, and how often it has been asked. */
export type ReadyServer = Server & { count(): Promise<number> }

export async function startReady(
  kind: ReadyKind,
  setup: Omit<ReadySetup, 'kind'>,
): Promise<ReadyServer> {
  const whole: ReadySetup = { ...setup, kind }
  const forked = startForked<'where', { port: number; count: number }>('ready-answer', whole)
  const { port } = await forked.ask('where')
  return {
    name: kind,
    pid: forked.pid,
    port,
    count: async () => (await forked.ask('where')).count,
    stop: () => forked.stop(),
  }
}
