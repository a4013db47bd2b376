import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { systemClock } from './clock.ts'
import type { Log } from './log.ts'

/** How long the processes may take to stop before they are killed; they end themselves at 25 s. */
const stopTimeoutMs = 27_000
/** Between the ends of a process and its next start: doubled each time, until one serves. */
const pauseMsMin = 250
const pauseMsMax = 15_000

/** How many processes listen, and where. */
export type Sharing = {
  readonly processesCount: number
  readonly host: string
  readonly port: number
}

type Supervision = Sharing & { readonly name: string; readonly log: Log }

/**
 * Runs the main file in several processes that listen on one port, among which the system divides the connections. One that
 * ends is started again; when they have never all served, the whole ends with the exit code. They stop together.
 *
 * Rejected: connections handed out by the first process, as node:cluster does otherwise. One that is on its way to a process
 * that is killed is then never answered (tried on Node 26), and each costs a message.
 */
export async function supervise(host: NodeJS.Process, supervision: Supervision): Promise<void> {
  const { name, port, log } = supervision
  const fault = await findFault(supervision)
  if (fault !== undefined) {
    log.fatal({ err: fault }, 'process did not start')
    host.stderr.write(
      `${name} did not start: it cannot listen on ${supervision.host}:${port}; choose another port\n`,
    )
    host.exit(1)
  }
  new Supervisor(host, supervision).begin()
}

/** Sockets that share a port do not mind each other, even those of another installation: so it is taken alone first. */
async function findFault({ host, port }: Sharing): Promise<unknown> {
  const probe = createServer().listen({ host, port })
  try {
    await once(probe, 'listening')
    probe.close()
    return undefined
  } catch (error) {
    return error
  }
}

class Supervisor {
  readonly #host: NodeJS.Process
  readonly #supervision: Supervision
  readonly #ready = new Set<Worker>()
  readonly #running = new Set<Worker>()
  #hasServed = false
  #isStopping = false
  #exitCode = 0
  #pauseMs = pauseMsMin

  constructor(host: NodeJS.Process, supervision: Supervision) {
    this.#host = host
    this.#supervision = supervision
  }

  begin(): void {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'disconnect'] as const) {
      this.#host.on(signal, () => this.#stop(0))
    }
    for (let index = 0; index < this.#supervision.processesCount; index += 1) {
      this.#start()
    }
  }

  #start(): void {
    const worker = cluster.fork()
    this.#running.add(worker)
    worker.on('message', (message: unknown) => {
      if (typeof message === 'object' && Reflect.get(Object(message), 'type') === 'ready') {
        this.#served(worker)
      }
    })
    worker.on('exit', (code, signal) => this.#ended(worker, code, signal))
  }

  #served(worker: Worker): void {
    this.#ready.add(worker)
    this.#pauseMs = pauseMsMin
    if (!this.#hasServed && this.#ready.size === this.#supervision.processesCount) {
      this.#hasServed = true
      this.#supervision.log.info({ count: this.#ready.size }, 'all processes ready')
      this.#host.send?.({ type: 'ready' })
    }
  }

  #ended(worker: Worker, code: number | null, signal: string | null): void {
    const { log } = this.#supervision
    this.#running.delete(worker)
    this.#ready.delete(worker)
    if (!this.#isStopping && !this.#hasServed) {
      this.#stop(code ?? 1)
    } else if (!this.#isStopping) {
      log.error(
        { endedPid: worker.process.pid, code, signal },
        'a process ended; it is started again',
      )
      void this.#startLater()
    } else {
      this.#exitCode = Math.max(this.#exitCode, code ?? 1)
    }
    if (this.#isStopping && this.#running.size === 0) {
      this.#host.exit(this.#exitCode)
    }
  }

  async #startLater(): Promise<void> {
    const pauseMs = this.#pauseMs
    this.#pauseMs = Math.min(2 * pauseMs, pauseMsMax)
    await systemClock.sleep(pauseMs)
    if (!this.#isStopping) {
      this.#start()
    }
  }

  #stop(code: number): void {
    this.#exitCode = Math.max(this.#exitCode, code)
    if (this.#isStopping) {
      return
    }
    this.#isStopping = true
    this.#running.forEach((worker) => worker.process.kill('SIGTERM'))
    void systemClock.sleep(stopTimeoutMs).then(() => {
      this.#running.forEach((worker) => worker.process.kill('SIGKILL'))
    })
  }
}
