import { Migration } from '@mikro-orm/migrations'

/** What the list of an organisation's own few keys, among the tokens of its many members, is read by. Built without
 *  blocking writers. */
export class ApiKeyKind extends Migration {
  override isTransactional(): boolean {
    return false
  }

  override up(): void {
    this.addSql(`set lock_timeout = '10min'`)
    // An interrupted build leaves an invalid index behind, which IF NOT EXISTS would take for a good one.
    this.addSql('drop index concurrently if exists idx_api_keys_org_kind')
    this.addSql(`create index concurrently idx_api_keys_org_kind
      on api_keys (organisation_id, kind, created_at desc, id desc)`)
    this.addSql('reset lock_timeout')
  }

  override down(): void {
    this.addSql(`set lock_timeout = '10min'`)
    this.addSql('drop index concurrently if exists idx_api_keys_org_kind')
    this.addSql('reset lock_timeout')
  }
}
