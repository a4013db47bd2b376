import { Migration } from '@mikro-orm/migrations'

/** Figures of a moment under a name, to compare later ones with. A handful of rows, so the key is the only index. */
export class Baselines extends Migration {
  override up(): void {
    this.addSql(`
create table baselines (
  name text collate "C" primary key,
  taken_at timestamptz not null,
  taken_by uuid not null references admin_tokens (id),
  figures jsonb not null,
  slow text[] not null
)`)
  }

  override down(): void {
    this.addSql('drop table baselines')
  }
}
