import { z } from 'zod'

export const credentialsSchema = z.object({
  organisationId: z.string(),
  secretKey: z.string(),
  publishableKey: z.string(),
  loadKey: z.string(),
  memberToken: z.string(),
  adminToken: z.string(),
})

/** What opens the demo's doors. */
export type Credentials = z.infer<typeof credentialsSchema>

/** The demo business, as migrations/demo/seed.ts provides it; tests bring a small one. */
export type Demo = {
  /** Loads what is not there yet; safe to interrupt. */
  seedDemo(
    databaseUrl: string,
    options: { readonly now: Date; report(step: string): void; readonly signal?: AbortSignal },
  ): Promise<void>
  /** Makes new credentials; the database keeps only their hashes. */
  issueDemoCredentials(databaseUrl: string): Promise<Credentials>
}

/** Loaded when it is needed: a production start has no demo. */
export async function importDemo(): Promise<Demo> {
  return import('../../migrations/demo/seed.ts')
}
