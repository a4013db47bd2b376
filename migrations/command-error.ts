/** A refusal in three lines: what did not happen, why, and how to mend it. */
export class CommandError extends Error {
  override readonly name = 'CommandError'

  constructor(what: string, why: string, fix: string) {
    super(`${what}\nwhy: ${why}\nfix: ${fix}`)
  }
}
