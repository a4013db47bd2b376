export { ActivityEntry } from './activity-entry.ts'
export { listActiveOrganisations, type ActiveOrganisation } from './active-organisations.ts'
export { countActiveUsers, getActiveUsers, type ActiveUser } from './active-users.ts'
export { AdminAnswer } from './admin-answer.ts'
export {
  claimAnswer,
  keepAnswer,
  pruneAdminAnswers,
  releaseAnswer,
  type AdminAttempt,
} from './admin-answers.ts'
export { AdminToken, adminRoles } from './admin-token.ts'
export { ApiKey, apiKeyKinds } from './api-key.ts'
export { listAudit, recordAudit, type AuditRecord } from './audit.ts'
export { verifyAudit } from './verify-audit.ts'
export { AuditEntry, auditOutcomes } from './audit-entry.ts'
export { createApiKey } from './create-api-key.ts'
export {
  createOrganisation,
  findOrganisationFaults,
  type NewOrganisation,
} from './create-organisation.ts'
export {
  mintCredential,
  parseCredential,
  prefixes,
  recogniseCredential,
  type Credential,
  type CredentialKind,
  type MintedCredential,
} from './credential.ts'
export { callerDescription, describeCaller } from './describe-caller.ts'
export {
  findAdmin,
  findCaller,
  isAdminStill,
  type Admin,
  type Caller,
  type FoundCaller,
} from './find-caller.ts'
export { findUsedAssets } from './find-used-assets.ts'
export {
  issueAdminToken,
  issueApiKey,
  issueMemberToken,
  type AdminRole,
  type IssuedCredential,
} from './issue-credential.ts'
export { Member, memberStatuses } from './member.ts'
export { MemberRole, roles, type Role } from './member-role.ts'
export { listAdminTokens, listApiKeys } from './list-credentials.ts'
export { Organisation } from './organisation.ts'
export { requireOrganisation } from './require-organisation.ts'
export { newApiKeySchema, type NewApiKey } from './new-api-key.ts'
export { openPresence, type Presence } from './presence.ts'
export { operatorProblems, problems } from './problems.ts'
export { recordActivity, type Activity } from './record-activity.ts'
export { retireCredentials, revokeAdminToken, revokeApiKey } from './revoke-credential.ts'
export { scopes, scopesOf, type CallerKind, type Scope } from './scope.ts'
