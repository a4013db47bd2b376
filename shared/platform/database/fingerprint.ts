import { hash } from 'node:crypto'
import { withoutLiterals } from '../telemetry/without-literals.ts'

/** A statement without what differs between two that are the same: values, lists of parameters, white space. */
export type Fingerprint = {
  /** Equal for equal statements, also in other processes. */
  readonly fingerprint: string
  /** Its beginning, without literals. */
  readonly statement: string
}

const charactersMax = 500

/** Costs a scan of the text; for statements that somebody will look at. */
export function fingerprintOf(text: string): Fingerprint {
  const plain = withoutLiterals(text)
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/\$\d+(?:::[\w[\]]+)?(?:, ?\$\d+(?:::[\w[\]]+)?)+/g, '$…')
    .trim()
  return {
    fingerprint: hash('sha256', plain, 'hex').slice(0, 12),
    statement: plain.slice(0, charactersMax),
  }
}
