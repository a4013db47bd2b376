import { Refusal } from './settings.ts'

/** The floor of the synchronous loader hooks that telemetry needs. */
export const nodeVersionMin = '24.11.1'

/** @param version as in `process.version`, `v26.10.0` */
export function isRecentNode(version: string): boolean {
  const order = new Intl.Collator('en', { numeric: true })
  return order.compare(version.replace(/^v/, ''), nodeVersionMin) >= 0
}

/** @throws {Refusal} with what to do */
export function requireNode(version: string): void {
  if (!isRecentNode(version)) {
    throw new Refusal(
      `Node ${version} is too old: ${nodeVersionMin} or newer is needed.\n` +
        'npm ci installs the right one into node_modules, and npm start uses it.',
    )
  }
}
