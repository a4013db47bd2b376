import { Migration } from '@mikro-orm/migrations'

/**
 * What the readers of all processes ask for most, so that a new process can ask it before they do. A hint: whoever loses it
 * is slow for a second. So it is UNLOGGED, and it has no foreign key, which would write to the organisation each time.
 * The whole table is rewritten about twice a minute; half-empty pages keep that within each page.
 */
export class CacheDemand extends Migration {
  override up(): void {
    this.addSql(`
create unlogged table cache_demand (
  audience text collate "C" not null,
  url text collate "C" not null check (octet_length(url) <= 2000),
  score double precision not null,
  noted_at timestamptz not null,
  primary key (audience, url)
) with (fillfactor = 50)`)
  }

  override down(): void {
    this.addSql('drop table cache_demand')
  }
}
