import { sql, type RawBuilder } from 'kysely'
import { openTestDatabase } from './database.ts'

/** Rows that every table gets beside those of the demo, and among how many organisations they are spread. */
const rows = 12_000
const organisations = 10

type Column = {
  readonly table: string
  readonly column: string
  readonly type: string
  readonly isNullable: boolean
  readonly isKey: boolean
  readonly isFilledAlready: boolean
  readonly default: string | null
  /** The table that it refers to. */
  readonly target: string | null
  /** What a CHECK lists as its values. */
  readonly values: readonly string[] | null
}

/**
 * Gives every table of the schema, also those that are yet to come, thousands of rows of eleven organisations and analyses
 * them; about 5 s. Real rows, because the planner multiplies what statistics say by the file's true size: statistics set
 * by hand (pg_restore_relation_stats) leave an empty table empty. Values only differ as theirs would: as many from one
 * another, and in the order of time. What a CHECK, a trigger or a foreign key says is not heeded, so this
 * database is good for EXPLAIN and for nothing else.
 */
export async function growTables(url: string): Promise<void> {
  const { db, close } = await openTestDatabase(url)
  await db.fork().transactional(async (em) => {
    const run = <Row>(statement: RawBuilder<Row>) => statement.execute(em.getKysely())
    await run(sql`set local session_replication_role = replica`)
    await run(sql`set local synchronous_commit = off`)
    const { rows: columns } = await run(columnsOfSchema)
    await run(sql`
      do $$ declare one record; begin
        for one in select conrelid::regclass as on_table, conname from pg_constraint
                    where contype = 'c' and coninhcount = 0 and connamespace = current_schema()::regnamespace loop
          execute format('alter table %s drop constraint %I', one.on_table, one.conname);
        end loop;
      end $$`)
    for (const [table, all] of Map.groupBy(columns, ({ table: name }) => name)) {
      const given = all.filter(({ isFilledAlready }) => !isFilledAlready)
      await run(sql`
        insert into ${sql.table(table)} (${sql.join(given.map(({ column }) => sql.ref(column)))})
        select ${sql.join(given.map(valueOf))} from generate_series(1, ${sql.lit(rows)}) as n
        on conflict do nothing`)
    }
    // Of every row and not of a sample drawn by lot: the same plans in every run.
    await run(sql`set local default_statistics_target = 1000`)
    await run(sql`analyze`)
  })
  await db.run(sql`vacuum`)
  await close()
}

const columnsOfSchema = sql<Column>`
  select c.relname as "table", a.attname as "column", t.typname as type, not a.attnotnull as "isNullable",
         exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary and i.indnkeyatts = 1
                    and a.attnum = i.indkey[0]) as "isKey",
         a.attgenerated <> '' or a.attidentity <> '' as "isFilledAlready",
         pg_get_expr(d.adbin, d.adrelid) as default,
         (select confrelid::regclass::text from pg_constraint f
           where f.contype = 'f' and f.conrelid = c.oid and f.conkey = array[a.attnum]) as target,
         (select array(select value[1] from regexp_matches(pg_get_constraintdef(k.oid), '''([^'']+)''::', 'g') as value)
            from pg_constraint k
           where k.contype = 'c' and k.conrelid = c.oid and k.conkey = array[a.attnum]
             and pg_get_constraintdef(k.oid) like '%ANY (%') as values
    from pg_class c
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    join pg_type t on t.oid = a.atttypid
    left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
   where c.relkind in ('r', 'p') and not c.relispartition and c.relnamespace = current_schema()::regnamespace
     and c.relname not in ('assets', 'mikro_orm_migrations')
   order by c.relname, a.attnum`

/** The column of row `n`: its own value, one of a few, or of a tenth of the rows nothing. */
function valueOf(column: Column): RawBuilder<unknown> {
  const value = plainValueOf(column)
  const isRare = column.isNullable && column.target === null
  return isRare ? sql`case when n % 10 = 0 then ${value} end` : value
}

function plainValueOf({ type, isKey, target, values, default: initial }: Column) {
  if (target === 'assets') {
    return sql`(array['GBP', 'EUR', 'USD', 'AUD', 'JPY'])[n % 5 + 1]`
  }
  if (values !== null && values.length > 0) {
    const all = sql.join(values.map((one) => sql.lit(one)))
    return sql`(array[${all}])[n / ${sql.lit(organisations)} % ${sql.lit(values.length)} + 1]`
  }
  const uuid = (number: RawBuilder<unknown>) =>
    sql`('01900000-0000-7000-8000-' || lpad(to_hex(${number}), 12, '0'))::uuid`
  const shared = target === 'organisations' ? sql`n % ${sql.lit(organisations)}` : sql`n / 4`
  const byType: Readonly<Record<string, RawBuilder<unknown>>> = {
    uuid: uuid(isKey || target === null ? sql`n` : shared),
    timestamptz: sql`timestamptz '2026-01-01Z' - n * interval '1 minute'`,
    text: initial === null ? sql`md5(n::text)` : sql`'value-' || n / 7 % 5`,
    varchar: sql`left(md5(n::text), 10)`,
    citext: sql`md5(n::text) || '@customers.invalid'`,
    date: sql`date '2026-01-01' - n::integer`,
    bool: sql`n % 10 = 0`,
    int2: sql`n % 100`,
    float4: sql`(n % 100) / 100.0`,
    int4: sql`n % 100`,
    int8: sql`n`,
    numeric: sql`n % 100 + 1`,
    float8: sql`n % 100 + 1`,
    bytea: sql`sha256(n::text::bytea)`,
    json: sql`'[]'::json`,
    jsonb: sql`'{}'::jsonb`,
    inet: sql`'192.0.2.1'::inet`,
    xid8: sql`n::text::xid8`,
    pg_snapshot: sql`pg_current_snapshot()`,
    _text: sql`'{}'::text[]`,
    _uuid: sql`'{}'::uuid[]`,
    _float4: sql`'{}'::real[]`,
  }
  const found = byType[type]
  if (!found) {
    throw new Error(`teach test/support/grow.ts to make values of the type ${type}`)
  }
  return found
}
