import { Migration } from '@mikro-orm/migrations'

/**
 * Each record of what operators did carries a hash of itself and of the record before, so that one that was changed or taken out
 * shows. Records are written one after the other: the lock is held from the record to the end of its transaction, which is
 * next. A transaction that sees an older state than that would fork the chain, and the unique index refuses it.
 */
export class AuditChain extends Migration {
  override up(): void {
    this.addSql('alter table audit_log add column previous_hash bytea, add column hash bytea')
    this.addSql(auditHash)
    this.addSql(chainBackward)
    this.addSql('alter table audit_log alter column hash set not null')
    this.addSql(
      'create unique index idx_audit_log_chain on audit_log (previous_hash) nulls not distinct',
    )
    this.addSql(chain)
    this.addSql(`create trigger audit_log_chain before insert on audit_log
      for each row execute function chain_audit()`)
    // also where somebody sets session_replication_role
    this.addSql('alter table audit_log enable always trigger audit_log_chain')
  }

  override down(): void {
    this.addSql('drop trigger audit_log_chain on audit_log')
    this.addSql('drop function chain_audit()')
    this.addSql('drop index idx_audit_log_chain')
    this.addSql('alter table audit_log drop column previous_hash, drop column hash')
    this.addSql('drop function audit_hash(audit_log, bytea)')
  }
}

/** Names every column, so that one which is added later leaves the hashes of before as they are. jsonb has one text for each
 *  value, and the instant is told in UTC, whatever the session's zone. */
const auditHash = `
create function audit_hash(record audit_log, previous bytea) returns bytea language sql stable as $$
  select sha256(convert_to(jsonb_build_array(
    encode(previous, 'hex'), record.id, record.admin_token_id, record.actor, record.procedure,
    record.organisation_id, record.input, record.before, record.after, record.outcome, record.error,
    record.reason, record.idempotency_key, record.trace_id,
    to_char(record.created_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'))::text, 'UTF8'))
$$`

const chain = `
create function chain_audit() returns trigger language plpgsql as $$
begin
  perform pg_advisory_xact_lock(hashtextextended('audit_log', 0));
  -- the number it came with was drawn before its turn
  new.id := nextval(pg_get_serial_sequence('audit_log', 'id'));
  new.previous_hash := (select hash from audit_log order by id desc limit 1);
  new.hash := audit_hash(new, new.previous_hash);
  return new;
end $$`

/** For the records that were there. */
const chainBackward = `
do $$
declare
  one audit_log;
  previous bytea;
begin
  alter table audit_log disable trigger audit_log_append_only;
  for one in select * from audit_log order by id loop
    update audit_log set previous_hash = previous, hash = audit_hash(one, previous) where id = one.id;
    previous := audit_hash(one, previous);
  end loop;
  alter table audit_log enable trigger audit_log_append_only;
end $$`
