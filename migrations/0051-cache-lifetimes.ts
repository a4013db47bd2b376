import { Migration } from '@mikro-orm/migrations'

/** Lifetimes of kept answers that operators set while the product runs, in place of those that it was started with. */
export class CacheLifetimes extends Migration {
  override up(): void {
    this.addSql(`
create table cache_lifetimes (
  class text collate "C" primary key check (class in ('short', 'medium', 'long')),
  fresh_seconds integer not null check (fresh_seconds between 1 and 3600),
  updated_by uuid not null,
  updated_at timestamptz not null default clock_timestamp()
)`)
  }

  override down(): void {
    this.addSql('drop table cache_lifetimes')
  }
}
