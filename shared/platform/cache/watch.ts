import { changedRowsMax, changesChannel, quietApplication } from './change.ts'

/**
 * The SQL by which a table tells the cache what changes in it. One function for the table, its columns written out, so that
 * PostgreSQL keeps the plans; four statement-level triggers that call it, with the rows before and after: raw SQL, COPY,
 * MERGE, cascades and TRUNCATE go through them as everything else does. Row-level triggers were refused: they cost each row
 * of a bulk write, and TRUNCATE has no rows. So was logical decoding: it tells after COMMIT, the log is part of it.
 */

/** What of a table the cache must hear of, by the names of columns. None stands in two of the lists. */
export type Watched = {
  /** The primary key, in its order. */
  readonly key: readonly string[]
  /** The others that decide where a row appears: organisation, member, parent, filters, sorts, references. */
  readonly keys: readonly string[]
  /** The others that an answer shows. That they changed is told, not how. */
  readonly shown: readonly string[]
}

/** Statements for a migration, after which changes of these columns are told; run again, what is watched becomes this.
 *  A migration that drops or renames a watched column, or adds a partition, runs them again.
 *  @throws {Error} for names that are no plain identifiers, and for a table without a key */
export function watch(table: string, watched: Watched): readonly string[] {
  const { key, keys, shown } = watched
  const columns = [...key, ...keys, ...shown]
  if (!/^[a-z_]\w{0,56}$/.test(table) || columns.some((name) => !/^[a-z_]\w*$/.test(name))) {
    throw new Error(`${table}: tables and columns are watched by plain names`)
  }
  if (key.length === 0 || new Set(columns).size < columns.length) {
    throw new Error(`${table}: watched by a key, and each column once`)
  }
  return [
    functionOf(table, watched),
    `comment on function ${functionName(table)}() is '${JSON.stringify({ key, keys, shown })}'`,
    attach(table),
  ]
}

/** Statements after which nothing of the table is told. */
export function unwatch(table: string): readonly string[] {
  return [`drop function ${functionName(table)}() cascade`]
}

/** The function that all triggers of the table call; its comment is what it watches, as JSON. */
export const functionName = (table: string): string => `watch_${table}`

/** Both sides of an UPDATE are joined by the primary key, in full, which hashes or merges whatever their number is: a plan
 *  that was made for one row must do for thousands. They are compared byte by byte, for what `=` calls equal may show
 *  another text: citext, numeric.
 *  It writes as the owner, since a writer may have no right to the log, and finds the log by a path that no writer chooses;
 *  that costs 3 of some 30 microseconds. */
function functionOf(table: string, { key, keys, shown }: Watched): string {
  const told = [...key, ...keys]
  const all = [...told, ...shown]
  const [first = ''] = key
  const log = (before: string, after: string, from: string): string => `
    insert into change_log (relation, rows)
    select '${table}', case when count(*) <= ${changedRowsMax} then json_agg(json_build_array(before, after)) end
      from (select ${before} as before, ${after} as after
              from ${from}
             limit ${changedRowsMax + 1}) as changed
    having count(*) > 0;`
  const side = (name: string): string =>
    `case when ${name}."${first}" is not null then ${object(name, told)} end`
  const joined = key.map((name) => `removed."${name}" = added."${name}"`).join(' and ')
  return `
create or replace function ${functionName(table)}() returns trigger language plpgsql security definer as $$
begin
  if tg_op = 'INSERT' then${log('null::json', object('added', told), 'added')}
  elsif tg_op = 'DELETE' then${log(object('removed', told), 'null::json', 'removed')}
  elsif tg_op = 'UPDATE' then${log(
    side('removed'),
    side('added'),
    `removed full join added on ${joined}
             where row(${list('removed', all)})::record
               *<> row(${list('added', all)})::record`,
  )}
  else
    insert into change_log (relation) values ('${table}');
  end if;
  if found and current_setting('application_name') <> '${quietApplication}'
           and current_setting('max_prepared_transactions') = '0' then
    perform pg_notify('${changesChannel}', '');
  end if;
  return null;
end $$`
}

const list = (name: string, columns: readonly string[]): string =>
  columns.map((column) => `${name}."${column}"`).join(', ')

/** Each value as JSON writes it, which no setting of the session changes but its time zone; without the quotes. */
function object(name: string, columns: readonly string[]): string {
  const members = columns.map((column) => `'${column}', to_json(${name}."${column}") #>> '{}'`)
  return `json_build_object(${members.join(', ')})`
}

/** The triggers on the table, and on each of its partitions: a statement that names a partition fires only that one's. They
 *  fire also where a session or a subscription says that triggers need not. */
function attach(table: string): string {
  return `
do $do$
declare
  relation regclass;
  event text;
begin
  execute format('alter function ${functionName(table)}() set search_path = %I, pg_temp', current_schema());
  for relation in select '${table}'::regclass union select relid from pg_partition_tree('${table}') loop
    foreach event in array '{insert,update,delete,truncate}'::text[] loop
      execute format('create or replace trigger watch_%1$s after %1$s on %2$s %3$s for each statement execute function ${functionName(table)}()',
        event, relation, case event when 'insert' then 'referencing new table as added'
                                    when 'update' then 'referencing old table as removed new table as added'
                                    when 'delete' then 'referencing old table as removed' end);
      execute format('alter table %s enable always trigger watch_%s', relation, event);
    end loop;
  end loop;
end $do$`
}
