import type { CredentialKind } from './credential.ts'

/** What a credential allows. A member's scopes reach only what is the member's own. */
export const scopes = [
  'payment-links:read',
  'payment-links:write',
  'fx:read',
  'catalogue:read',
  'organisation:read',
  'members:read',
  'api-keys:read',
  'api-keys:write',
  'ledger:read',
  'accounting:read',
  'contents:read',
  'contents:write',
  'interactions:write',
] as const

export type Scope = (typeof scopes)[number]

/** The kinds that belong to an organisation; `admin` belongs to the installation. */
export type CallerKind = Exclude<CredentialKind, 'admin'>

/** What a credential of each kind may do when nothing narrower was asked for, and at most. */
export const scopesOf: Readonly<Record<CallerKind, readonly Scope[]>> = {
  secret: scopes,
  publishable: ['fx:read', 'catalogue:read', 'contents:read'],
  member: [
    'payment-links:read',
    'fx:read',
    'catalogue:read',
    'members:read',
    'contents:read',
    'interactions:write',
  ],
}
