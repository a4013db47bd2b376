import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { answerParent } from '../forked.ts'

// Asks a server the same over and over: each connection sends its next request when the answer to the last is there. It does
// little more than count bytes, so that it does not become what is measured.

export type LoadSetup = { readonly connections: number }

export type LoadQuestion =
  /** Connects, and asks a little. Where the request says {n}, each one has a number of its own. */
  | {
      readonly kind: 'open'
      readonly port: number
      readonly request: string
      readonly expects: Expected
    }
  | { readonly kind: 'run'; readonly count: number }
  | { readonly kind: 'close' }

/** What each answer must be; anything else ends the benchmark. */
export type Expected = { readonly status: number; readonly bodyBytes: number | undefined }

export type LoadAnswer = {
  readonly seconds: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/** Servers end a connection after so many answers; then it is another one. */
type Line = { ask(): void; close(): void }

const runMsMax = 120_000

answerParent(async ({ connections }: LoadSetup) => {
  let lines: readonly Line[] = []
  let run = startRun(0)

  function startRun(count: number) {
    return {
      left: count,
      pending: 0,
      tookMs: new Array<number>(),
      done: Promise.withResolvers<void>(),
    }
  }

  async function runAll(count: number): Promise<LoadAnswer> {
    run = startRun(count)
    const beganMs = performance.now()
    lines.forEach((line) => line.ask())
    const { done } = run
    const late = setTimeout(() => done.reject(new Error('no answer for too long')), runMsMax)
    await done.promise
    clearTimeout(late)
    const seconds = (performance.now() - beganMs) / 1000
    const sorted = Float64Array.from(run.tookMs).toSorted()
    const at = (part: number): number => sorted[Math.floor(part * sorted.length)] ?? Number.NaN
    return { seconds, p50Ms: at(0.5), p99Ms: at(0.99) }
  }

  async function openLine(
    port: number,
    makeRequest: () => Buffer,
    expects: Expected,
  ): Promise<Line> {
    let [sentMs, missing, head, isLast] = [0, 0, '', false]
    let socket = await dial()

    async function dial(): Promise<Socket> {
      const dialled = connect({ port, host: '127.0.0.1', noDelay: true })
      await once(dialled, 'connect')
      dialled.on('data', hear)
      const fail = (): void => run.done.reject(new Error('the server closed a connection'))
      dialled.on('error', fail)
      return dialled
    }

    function ask(): void {
      // whoever is dialling asks when somebody is there
      if (run.left === 0 || isLast) {
        return
      }
      run.left -= 1
      run.pending += 1
      sentMs = performance.now()
      socket.write(makeRequest())
    }

    function hear(chunk: Buffer): void {
      if (missing > 0) {
        missing -= chunk.length
      } else {
        head += chunk.toString('latin1')
        const end = head.indexOf('\r\n\r\n')
        if (end < 0) {
          return
        }
        const told = head.slice(0, end)
        missing = check(told, expects) - (head.length - end - 4)
        isLast = /\r\nconnection: close/i.test(told)
        head = ''
      }
      if (missing === 0) {
        finish()
      }
    }

    function finish(): void {
      run.tookMs.push(performance.now() - sentMs)
      run.pending -= 1
      if (run.left === 0 && run.pending === 0) {
        run.done.resolve()
      }
      if (isLast) {
        socket.destroy()
        void dial().then((dialled) => {
          socket = dialled
          isLast = false
          ask()
        })
      } else {
        ask()
      }
    }

    return { ask, close: () => void socket.destroy() }
  }

  return {
    async answer(question: LoadQuestion): Promise<LoadAnswer | undefined> {
      if (question.kind === 'run') {
        return runAll(question.count)
      }
      if (question.kind === 'close') {
        lines.forEach((line) => line.close())
        return undefined
      }
      const { port, request, expects } = question
      const make = makerOf(request)
      const opening = Array.from({ length: connections }, () => openLine(port, make, expects))
      lines = await Promise.all(opening)
      return runAll(10 * connections)
    },
    close: async () => lines.forEach((line) => line.close()),
  }
})

function makerOf(request: string): () => Buffer {
  const bytes = Buffer.from(request)
  const [before = '', after] = request.split('{n}')
  return after === undefined ? () => bytes : () => Buffer.from(`${before}${(count += 1)}${after}`)
}
let count = 0

/** The length of the body that follows.  @throws {Error} when it is not the answer that is expected */
function check(head: string, { status, bodyBytes }: Expected): number {
  const told = Number(head.slice(9, 12))
  const at = head.search(/\r\ncontent-length: /i)
  const length = at < 0 ? 0 : Number.parseInt(head.slice(at + 18), 10)
  if (told !== status || (bodyBytes !== undefined && length !== bodyBytes)) {
    throw new Error(`an answer of another kind, not ${status} with ${bodyBytes} bytes:\n${head}`)
  }
  return status === 304 ? 0 : length
}
