/** Statements of migration 0018: the tables, and the triggers that keep them true to each other. */
export const up: readonly string[] = [
  // Shown while `published`, from `published_at` on; never null, so that the newest are one range of an index.
  `
create table contents (
  id uuid primary key default uuid_v7(),
  organisation_id uuid not null references organisations (id),
  author_id uuid references members (id),
  product_id uuid references products (id),
  slug text collate "C" not null constraint contents_slug_check check (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
  title text not null,
  summary text not null default '',
  body text not null default '',
  status text collate "C" not null check (status in ('draft', 'published', 'archived')),
  published_at timestamptz not null default now(),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz,
  version integer not null default 1
)`,
  `
create table tags (
  id uuid primary key default uuid_v7(),
  organisation_id uuid not null references organisations (id),
  name text collate "C" not null constraint tags_name_check check (name ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
  created_at timestamptz not null default now()
)`,
  // `is_listed` and `published_at` are the content's, so that the newest of a tag are one range of an index.
  `
create table content_tags (
  content_id uuid not null references contents (id) on delete cascade,
  tag_id uuid not null references tags (id) on delete cascade,
  organisation_id uuid not null,
  is_listed boolean not null default false,
  published_at timestamptz not null default now(),
  primary key (content_id, tag_id)
)`,
  `
create function set_content_tag() returns trigger language plpgsql as $$
begin
  select organisation_id, status = 'published' and deleted_at is null, published_at
    into new.organisation_id, new.is_listed, new.published_at
    from contents where id = new.content_id;
  return new;
end $$`,
  `create trigger content_tags_content before insert on content_tags
    for each row execute function set_content_tag()`,
  `
create function list_content_tags() returns trigger language plpgsql as $$
begin
  update content_tags
     set is_listed = new.status = 'published' and new.deleted_at is null, published_at = new.published_at
   where content_id = new.id;
  return null;
end $$`,
  `create trigger contents_tags after update on contents for each row
    when ((old.status, old.published_at, old.deleted_at) is distinct from (new.status, new.published_at, new.deleted_at))
    execute function list_content_tags()`,

  // One row of a month's partition for everything that a member does; what none takes goes to the default one.
  `
create table interactions (
  id bigint generated always as identity,
  organisation_id uuid not null,
  member_id uuid not null references members (id),
  content_id uuid not null references contents (id),
  type text collate "C" not null
    check (type in ('view', 'like', 'unlike', 'share', 'comment', 'purchase')),
  is_counted boolean not null default true,
  comment text constraint interactions_comment_check
    check ((type = 'comment') = (comment is not null) and length(comment) <= 2000),
  created_at timestamptz not null default now(),
  primary key (id, created_at)
) partition by range (created_at)`,
  'create table interactions_default partition of interactions default',
  `create trigger interactions_append_only before update on interactions
    for each statement execute function refuse_change()`,
  // Who likes what, for partitions cannot say that a like is unique.
  `
create table content_likes (
  member_id uuid not null references members (id),
  content_id uuid not null references contents (id) on delete cascade,
  created_at timestamptz not null default now(),
  primary key (member_id, content_id)
)`,
  // Of views, shares and comments one counts for each member, content and hour: whoever comes first is in here.
  `
create table interaction_hours (
  member_id uuid not null,
  content_id uuid not null,
  type text collate "C" not null,
  hour timestamptz not null,
  primary key (member_id, content_id, type, hour)
)`,
  // What clients call their interactions, so that one that is sent twice is one.
  `
create table interaction_receipts (
  member_id uuid not null,
  content_id uuid not null,
  client_id uuid not null,
  received_at timestamptz not null default now(),
  primary key (member_id, content_id, client_id)
)`,

  // What one member likes, by tag.
  `
create table member_interests (
  member_id uuid not null references members (id),
  tag_id uuid not null references tags (id) on delete cascade,
  organisation_id uuid not null,
  weight double precision not null,
  updated_at timestamptz not null default now(),
  primary key (member_id, tag_id)
)`,
  addInteractionPartition(),
]

/**
 * Makes the partition of a month, should it not be there: with the triggers of its parent, and with what the default one
 * holds of it already. Attaching takes no lock that keeps readers or writers of interactions waiting; the foreign keys of
 * the new one take such a lock on their tables for a moment.
 */
function addInteractionPartition(): string {
  return `
create function add_interaction_partition(month date) returns boolean language plpgsql as $$
declare
  first timestamptz := date_trunc('month', month::timestamp) at time zone 'UTC';
  next timestamptz := (date_trunc('month', month::timestamp) + interval '1 month') at time zone 'UTC';
  part text := 'interactions_' || to_char(month, 'YYYY_MM');
  copied record;
begin
  if to_regclass(part) is not null then
    return false;
  end if;
  execute format('create table %I (like interactions including defaults including constraints)', part);
  execute format('alter table %I add constraint %I check (created_at >= %L and created_at < %L)',
                 part, part || '_month_check', first, next);
  execute format('with moved as (delete from interactions_default where created_at >= %L and created_at < %L returning *)
                  insert into %I select * from moved', first, next, part);
  execute format('alter table interactions attach partition %I for values from (%L) to (%L)', part, first, next);
  execute format('alter table %I drop constraint %I', part, part || '_month_check');
  for copied in select tgname, tgenabled, pg_get_triggerdef(oid) as definition from pg_trigger
                 where tgrelid = 'interactions'::regclass and not tgisinternal and tgtype & 1 = 0 loop
    execute regexp_replace(copied.definition, ' ON \\S+ ', format(' ON %I ', part));
    if copied.tgenabled = 'A' then
      execute format('alter table %I enable always trigger %I', part, copied.tgname);
    end if;
  end loop;
  return true;
end $$`
}

/** Undoes `up`. */
export const down: readonly string[] = [
  'drop function add_interaction_partition(date)',
  ...[
    'member_interests',
    'interaction_receipts',
    'interaction_hours',
    'content_likes',
    'interactions',
    'content_tags',
    'tags',
    'contents',
  ].map((table) => `drop table ${table}`),
  'drop function list_content_tags()',
  'drop function set_content_tag()',
]
