import type { Clock } from '#platform/clock'
import type { Environment, Settings } from '../laptop/settings.ts'

/** One thing that was looked at. A problem prevents `npm start`; a warning is worth knowing. */
export type Finding = {
  readonly subject: string
  readonly state: 'ok' | 'warning' | 'problem'
  readonly text: string
  /** What mends it. */
  readonly fix?: string
}

/** What the checks look at. */
export type Patient = {
  readonly root: string
  readonly settings: Settings
  readonly environment: Environment
  readonly clock: Pick<Clock, 'now'>
  readonly node: { readonly version: string; readonly path: string }
}

/** Looks at one thing and never throws. */
export type Check = (patient: Patient) => Promise<readonly Finding[]>

/** Makes a check out of one that may throw: what it throws is a problem with this fix. */
export function check(
  subject: string,
  fix: string,
  look: (patient: Patient) => Promise<readonly Omit<Finding, 'subject'>[]>,
): Check {
  return async (patient) => {
    try {
      return (await look(patient)).map((finding) => ({ subject, ...finding }))
    } catch (error) {
      const text = error instanceof Error ? error.message || String(error) : String(error)
      return [{ subject, state: 'problem', text, fix }]
    }
  }
}
