import { Migration } from '@mikro-orm/migrations'

/** The planner's estimate for `count=estimated`. It counts nothing: EXPLAIN plans the question and does not run it.
 *  Volatile, as PostgreSQL wants a function that explains to be. */
export class Estimates extends Migration {
  override up(): void {
    this.addSql(`
create function estimate_rows(question text, arguments text[]) returns bigint language plpgsql strict as $$
declare
  plan json;
begin
  execute 'explain (format json) ' || question into plan using arguments;
  return (plan -> 0 -> 'Plan' ->> 'Plan Rows')::numeric;
end $$`)
  }

  override down(): void {
    this.addSql('drop function estimate_rows(text, text[])')
  }
}
