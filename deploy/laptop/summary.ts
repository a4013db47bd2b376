import type { Credentials } from './demo.ts'
import { writePrivate } from './private-file.ts'

/** What `DATA_DIR/demo.json` holds, for scripts; the block on the terminal says the same to people. */
export type Summary = {
  readonly apiUrl: string
  readonly adminUrl: string
  readonly databaseUrl: string
  readonly redisUrl: string | null
  readonly organisationId: string | null
  readonly secretKey: string | null
  readonly publishableKey: string | null
  /** Of load tests, which ask more often than a key usually may. */
  readonly loadKey: string | null
  readonly memberToken: string | null
  readonly adminToken: string | null
  readonly pids: { readonly api: number; readonly worker: number; readonly admin: number }
}

/** Puts the parts together in the order that the file shows them. */
export function summarise(
  parts: Pick<Summary, 'apiUrl' | 'adminUrl' | 'databaseUrl' | 'redisUrl' | 'pids'>,
  credentials: Credentials | undefined,
): Summary {
  const { pids, ...addresses } = parts
  return {
    ...addresses,
    organisationId: credentials?.organisationId ?? null,
    secretKey: credentials?.secretKey ?? null,
    publishableKey: credentials?.publishableKey ?? null,
    loadKey: credentials?.loadKey ?? null,
    memberToken: credentials?.memberToken ?? null,
    adminToken: credentials?.adminToken ?? null,
    pids,
  }
}

/** Appears only when everything serves, so that a script may wait for it. */
export function writeSummary(path: string, summary: Summary): void {
  writePrivate(path, `${JSON.stringify(summary, undefined, 2)}\n`)
}

/** The lines for a person. */
export function describe(summary: Summary, directory: string): readonly string[] {
  const { apiUrl, adminUrl, organisationId, secretKey, publishableKey } = summary
  const demo =
    secretKey === null || publishableKey === null
      ? []
      : [
          '',
          `  organisation     ${organisationId}`,
          `  secret key       ${secretKey}`,
          `  publishable key  ${publishableKey}`,
          `  member token     ${summary.memberToken}`,
          `  admin token      ${summary.adminToken}`,
          '',
          'Try:',
          '',
          `curl -s -H "Authorization: Bearer ${secretKey}" "${apiUrl}/api/v2/payment-links?limit=2&count=exact"`,
          '',
          `curl -s "${apiUrl}/api/v2/fx/rates?base=GBP&quotes=EUR,USD,AUD,JPY" -H "Authorization: Bearer ${publishableKey}"`,
        ]
  return [
    '',
    `  API              ${apiUrl}`,
    `  Admin console    ${adminUrl}`,
    ...demo,
    '',
    `The same for scripts: ${directory}/demo.json. Logs: ${directory}/logs/{api,worker,admin}.log`,
    'Ctrl-C stops everything.',
  ]
}
