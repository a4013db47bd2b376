import { Migration } from '@mikro-orm/migrations'

/** What lists of members, roles and API keys are filtered and sorted by. Built without blocking writers. */
export class MemberLists extends Migration {
  override isTransactional(): boolean {
    return false
  }

  override up(): void {
    this.addSql(`set lock_timeout = '10min'`)
    for (const [name, definition] of Object.entries(indexes)) {
      // An interrupted build leaves an invalid index behind, which IF NOT EXISTS would take for a good one.
      this.addSql(`drop index concurrently if exists ${name}`)
      this.addSql(`create index concurrently ${name} on ${definition}`)
    }
    this.addSql('reset lock_timeout')
  }

  override down(): void {
    this.addSql(`set lock_timeout = '10min'`)
    for (const name of Object.keys(indexes)) {
      this.addSql(`drop index concurrently if exists ${name}`)
    }
    this.addSql('reset lock_timeout')
  }
}

const indexes: Readonly<Record<string, string>> = {
  idx_members_org_active: 'members (organisation_id, last_active_at desc nulls last, id desc)',
  idx_member_roles_org_role: 'member_roles (organisation_id, role, member_id)',
  // an organisation's own few keys among the tokens of its many members
  idx_api_keys_org_kind: 'api_keys (organisation_id, kind, created_at desc, id desc)',
}
