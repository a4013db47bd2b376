import { Migration } from '@mikro-orm/migrations'

/**
 * Which event each subscriber has still to be given. An event becomes one row for each of them; a subscriber gets those of one
 * aggregate one after the other, in the order of their ids, and that is the order of their commits: whoever writes an event
 * holds a lock on its aggregate until COMMIT, and the id is drawn under that lock. Without it 7 could be committed, seen and
 * given away before 6.
 */
export class EventDeliveries extends Migration {
  override up(): void {
    this.addSql(`
create table event_deliveries (
  event_id bigint not null references outbox_events (id) on delete cascade,
  subscriber text collate "C" not null,
  aggregate_id uuid not null,
  enqueued_at timestamptz,
  outcome text check (outcome in ('done', 'dead')),
  ended_at timestamptz,
  primary key (event_id, subscriber),
  constraint event_deliveries_ended_check check ((outcome is null) = (ended_at is null))
)`)
    this.addSql(`
create index idx_event_deliveries_open on event_deliveries (event_id) where ended_at is null`)
    this.addSql(`
create index idx_event_deliveries_order on event_deliveries (subscriber, aggregate_id, event_id)
  where ended_at is null`)
    this.addSql(`
create function order_outbox_event() returns trigger language plpgsql as $$
begin
  perform pg_advisory_xact_lock(hashtext('outbox'), hashtext(new.aggregate_id::text));
  new.id := nextval(pg_get_serial_sequence('outbox_events', 'id'));
  return new;
end $$`)
    this.addSql(`
create trigger outbox_events_order before insert on outbox_events
  for each row execute function order_outbox_event()`)
    this.addSql(`
create function notify_outbox() returns trigger language plpgsql as $$
begin
  perform pg_notify('tidegate_outbox', '');
  return null;
end $$`)
    this.addSql(`
create trigger outbox_events_notify after insert on outbox_events
  for each statement execute function notify_outbox()`)
  }

  override down(): void {
    this.addSql('drop trigger outbox_events_notify on outbox_events')
    this.addSql('drop trigger outbox_events_order on outbox_events')
    this.addSql('drop function notify_outbox()')
    this.addSql('drop function order_outbox_event()')
    this.addSql('drop table event_deliveries')
  }
}
