import type { Finding, Patient } from './finding.ts'
import { checkClock, checkCurl, checkDisk, checkMemory, checkNode } from './machine.ts'
import { checkSettings } from './environment.ts'
import { checkDataDirectory, checkInstance, checkPorts } from './place.ts'
import { checkPostgres, checkRedis } from './servers.ts'

const checks = [
  checkSettings,
  checkNode,
  checkPostgres,
  checkRedis,
  checkDataDirectory,
  checkDisk,
  checkInstance,
  checkPorts,
  checkMemory,
  checkClock,
  checkCurl,
]

/** Looks at everything that `npm start` needs, changing nothing, in the order in which it is told. */
export async function examine(patient: Patient): Promise<readonly Finding[]> {
  const findings = await Promise.all(checks.map((check) => check(patient)))
  return findings.flat()
}

/** The lines for a person. */
export function report(findings: readonly Finding[]): readonly string[] {
  const lines = findings.flatMap(({ subject, state, text, fix }) => [
    `${state.padEnd(8)} ${subject.padEnd(11)} ${text}`,
    ...(fix === undefined ? [] : [`${''.padEnd(21)}-> ${fix}`]),
  ])
  const problems = findings.filter(({ state }) => state === 'problem').length
  const verdict =
    problems === 0
      ? 'npm start can run on this machine.'
      : `${problems} ${problems === 1 ? 'problem prevents' : 'problems prevent'} npm start.`
  return [...lines, '', verdict]
}
