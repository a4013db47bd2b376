import type { WriteStream } from 'node:tty'
import type { Progress } from './run.ts'

type Output = Pick<WriteStream, 'write' | 'isTTY'>

/** One line a second: redrawn on a terminal, one below the other elsewhere. */
export function openProgress(
  output: Output,
  name: string,
): { readonly show: (now: Progress) => void; readonly close: () => void } {
  return {
    show(now) {
      const line = describeProgress(name, now)
      output.write(output.isTTY ? `\r\u001B[K${line}` : `${line}\n`)
    },
    close: () => void (output.isTTY && output.write('\r\u001B[K')),
  }
}

/** Percentile and errors are those of the run so far; the rate is that of the last second. */
export function describeProgress(
  name: string,
  { atSeconds, ofSeconds, users, requestsPerSecond, tally }: Progress,
): string {
  const at = `${Math.round(atSeconds)}/${Math.round(ofSeconds)} s`
  const p95 = tally.latencies.p95Ms.toFixed(1)
  return `${name} ${at}  ${users} users  ${requestsPerSecond.toFixed(0)} requests/s  p95 ${p95} ms  errors ${(100 * tally.errorRatio).toFixed(2)} %`
}
