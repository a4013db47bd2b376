import { Migration } from '@mikro-orm/migrations'

/**
 * Where the processes that keep answers reply to operators, who ask by NOTIFY. It holds what is under way, a few rows for half
 * a second, so it is UNLOGGED and has no index.
 */
export class CacheReplies extends Migration {
  override up(): void {
    this.addSql(`
create unlogged table cache_replies (
  request uuid not null,
  process text not null,
  body json not null,
  at timestamptz not null default clock_timestamp()
)`)
  }

  override down(): void {
    this.addSql('drop table cache_replies')
  }
}
