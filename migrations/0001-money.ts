import { assets } from '#money'
import { raw } from '@mikro-orm/core'
import { Migration } from '@mikro-orm/migrations'

/** Assets, and the arithmetic that every amount and rate goes through, in SQL as in `shared/money`. */
export class Money extends Migration {
  override up(): void {
    this.addSql('create extension if not exists citext')
    this.addSql(uuidV7)
    this.addSql(roundHalfEven)
    this.addSql(divideHalfEven)
    this.addSql(convertMinor)
    this.addSql(areDistinct)
    this.addSql(refuseChange)
    this.addSql(assetsTable)
    this.addSql(
      raw(
        `insert into assets (code, kind, exponent, name, is_active, staleness_seconds_max)
         select code, kind, exponent, name, "isActive", "stalenessSecondsMax"
           from json_to_recordset(?) as asset (code text, kind text, exponent smallint, name text,
                                              "isActive" boolean, "stalenessSecondsMax" integer)`,
        [JSON.stringify(assets)],
      ),
    )
  }

  override down(): void {
    this.addSql('drop table assets')
    for (const signature of [
      'refuse_change()',
      'are_distinct(text[])',
      'convert_minor(bigint, numeric, integer, integer)',
      'divide_half_even(numeric, numeric, integer)',
      'round_half_even(numeric, integer)',
      'uuid_v7(timestamptz)',
    ]) {
      this.addSql(`drop function ${signature}`)
    }
  }
}

/** RFC 9562 version 7. PostgreSQL 18 has uuidv7(); 15 to 17 do not, and loading history needs the row's own time. */
const uuidV7 = `
create function uuid_v7(at timestamptz default clock_timestamp()) returns uuid
language sql volatile parallel safe as $$
  select encode(
    set_bit(set_bit(
      overlay(uuid_send(gen_random_uuid())
        placing substring(int8send((extract(epoch from at) * 1000)::bigint) from 3) from 1 for 6),
      52, 1), 53, 1),
    'hex')::uuid
$$`

/** Banker's rounding; SQL's own round() takes ties away from zero, so a tie with an even neighbour is taken back.
 *  One expression of strict and immutable parts, for then PostgreSQL inlines it: ten times as fast as with a CASE. */
const roundHalfEven = `
create function round_half_even(value numeric, scale integer) returns numeric
language sql immutable strict parallel safe as $$
  select round(value, scale)
    - (mod(abs(value) * ('1e' || scale::text)::numeric, 2) = 0.5)::integer * sign(value) * ('1e' || (-scale)::text)::numeric
$$`

/** The exact quotient, rounded once: numeric division would round first to a precision of its own choosing. */
const divideHalfEven = `
create function divide_half_even(dividend numeric, divisor numeric, scale integer) returns numeric
language sql immutable strict parallel safe as $$
  select round(
    sign(dividend) * sign(divisor) * (quotient + case
       when 2 * remainder > abs(divisor) then 1
       when 2 * remainder = abs(divisor) then mod(quotient, 2)
       else 0 end) * ('1e' || -scale)::numeric,
    scale)
  from (
    select div(abs(dividend) * ('1e' || scale)::numeric, abs(divisor)),
           mod(abs(dividend) * ('1e' || scale)::numeric, abs(divisor))
  ) as step (quotient, remainder)
$$`

/** Minor units of one asset into minor units of another at a rate, rounded half to even, once. */
const convertMinor = `
create function convert_minor(amount bigint, rate numeric, exponent_from integer, exponent_to integer) returns bigint
language sql immutable strict parallel safe as $$
  select round_half_even(amount * rate * ('1e' || (exponent_to - exponent_from)::text)::numeric, 0)::bigint
$$`

const areDistinct = `
create function are_distinct(items text[]) returns boolean
language sql immutable strict parallel safe as $$
  select count(*) = count(distinct item) from unnest(items) as item
$$`

/** Trigger of append-only tables. */
const refuseChange = `
create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only: % refused', tg_table_name, tg_op
    using errcode = 'restrict_violation', hint = 'Write a new row that corrects the old one.';
end $$`

const assetsTable = `
create table assets (
  code varchar(10) collate "C" primary key,
  kind text not null check (kind in ('fiat', 'token')),
  exponent smallint not null check (exponent between 0 and 18),
  name text not null,
  is_active boolean not null,
  staleness_seconds_max integer not null check (staleness_seconds_max > 0)
)`
