import { readFileSync } from 'node:fs'

/** Milliseconds on the monotonic clock of the machine: what one process reads can be compared with what another does. */
export function machineMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

/** For how long the main thread has been ready to run without being given a processor; milliseconds since it began. */
export function waitedMs(): number {
  return Number(readFileSync('/proc/self/schedstat', 'utf8').split(' ')[1]) / 1e6
}
