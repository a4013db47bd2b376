/** Milliseconds on the monotonic clock of the machine: what one process reads can be compared with what another does. */
export function machineMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
