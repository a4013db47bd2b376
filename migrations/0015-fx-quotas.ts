import { Migration } from '@mikro-orm/migrations'

/** What the processes tell each other of a provider: how many calls of its quota are taken, until when it wants to be left
 *  alone, how the circuit stands, and what a batch was for. */
export class FxQuotas extends Migration {
  override up(): void {
    this.addSql(`
create table fx_quotas (
  provider text collate "C" not null,
  period text not null check (period in ('day', 'month')),
  starts_on date not null,
  calls integer not null check (calls >= 0),
  primary key (provider, period, starts_on)
)`)
    this.addSql(`
alter table fx_batches
  add column purpose text not null default 'latest' check (purpose in ('latest', 'history')),
  add column only_asset varchar(10) collate "C",
  add column retry_at timestamptz,
  add column breaker_state text check (breaker_state in ('CLOSED', 'OPEN', 'HALF_OPEN'))`)
  }

  override down(): void {
    this.addSql(`
alter table fx_batches
  drop column purpose, drop column only_asset, drop column retry_at, drop column breaker_state`)
    this.addSql('drop table fx_quotas')
  }
}
