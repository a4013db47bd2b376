/** Statements of migration 0018: counters, scores, and the way from interactions to them. */
export const up: readonly string[] = [
  // One row for each content, from its first moment on. Nothing but the scoring writes here.
  `
create table content_scores (
  content_id uuid primary key references contents (id) on delete cascade,
  organisation_id uuid not null references organisations (id),
  view_count bigint not null default 0,
  like_count bigint not null default 0,
  share_count bigint not null default 0,
  comment_count bigint not null default 0,
  purchase_count bigint not null default 0,
  engagement_score double precision not null default 0,
  trending_score double precision not null default 0,
  score_updated_at timestamptz,
  is_due boolean not null default false
)`,
  `
create function begin_content_scores() returns trigger language plpgsql as $$
begin
  insert into content_scores (content_id, organisation_id) select id, organisation_id from added;
  return null;
end $$`,
  `create trigger contents_scores after insert on contents referencing new table as added
    for each statement execute function begin_content_scores()`,

  // What is still to be counted. A queue and not a mark in the log: identities and instants do not come in the order of
  // commits, so neither tells what was counted; and a mark would write every row of the log twice.
  `
create table interaction_inbox (
  id bigint generated always as identity primary key,
  content_id uuid not null,
  type text collate "C" not null,
  created_at timestamptz not null
)`,
  `
create function queue_interactions() returns trigger language plpgsql as $$
begin
  insert into interaction_inbox (content_id, type, created_at)
  select content_id, type, created_at from added where is_counted;
  return null;
end $$`,
  `create trigger interactions_inbox after insert on interactions referencing new table as added
    for each statement execute function queue_interactions()`,
  // How often what happened to a content in an hour (UTC).
  `
create table interaction_rollups (
  content_id uuid not null references contents (id) on delete cascade,
  hour timestamptz not null,
  type text collate "C" not null,
  count bigint not null,
  primary key (content_id, hour, type)
)`,

  `
create function interaction_weight(type text) returns integer language sql immutable parallel safe
return case type when 'view' then 1 when 'like' then 5 when 'unlike' then -5 when 'comment' then 8
                 when 'share' then 10 when 'purchase' then 20 else 0 end`,
  // The counters by the weights above, in one number. Likes may be below 0 for a moment, while an unlike is counted before
  // its like.
  `
create function engagement_raw(views bigint, likes bigint, comments bigint, shares bigint, purchases bigint)
returns double precision language sql immutable parallel safe
return greatest(0, views::double precision + 5 * likes::double precision + 8 * comments::double precision
                   + 10 * shares::double precision + 20 * purchases::double precision)`,
  // Reddit's confidence: the share of positives that 80 % of such samples exceed, z = 1.2816; multiplied out by the number
  // of trials, so that it divides by nothing that may be 0.
  `
create function wilson_lower_bound(positives double precision, trials double precision)
returns double precision language sql immutable parallel safe
return case when trials > 0
  then greatest(0, positives + 0.82124928 - 1.2816 * sqrt(positives * (trials - positives) / trials + 0.41062464))
       / (trials + 1.64249856)
  else 0 end`,
  // Of what was liked, shared or bought more often than it was seen, every one counts as seen.
  `
create function engagement_quality(views bigint, likes bigint, shares bigint, purchases bigint)
returns double precision language sql immutable parallel safe
return wilson_lower_bound(
  greatest(0, likes::double precision + shares::double precision + purchases::double precision),
  greatest(0, views::double precision,
           likes::double precision + shares::double precision + purchases::double precision))`,
  // Halved with every half-life; after a thousand of them nothing is left that a double could halve. What is younger than a
  // billionth of an hour is new: PostgreSQL refuses what a double cannot tell from 0, instead of taking it for 0.
  `
create function engagement_score(views bigint, likes bigint, comments bigint, shares bigint, purchases bigint,
                                 age_hours double precision, half_life_hours double precision)
returns double precision language sql immutable parallel safe
return (1 - exp(-ln(1 + engagement_raw(views, likes, comments, shares, purchases))
                * (0.5 + engagement_quality(views, likes, shares, purchases)) / 5))
       * power(2::double precision,
               -least(case when age_hours > 1e-9 then age_hours / half_life_hours else 0 end, 1000))`,
  // Hacker News (news.arc): gravity 1.8, two hours' head start.
  `
create function trending_score(views bigint, likes bigint, comments bigint, shares bigint, purchases bigint,
                               age_hours double precision)
returns double precision language sql immutable parallel safe
return power(greatest(engagement_raw(views, likes, comments, shares, purchases) - 1, 0), 0.8)
       / power(least(greatest(age_hours, 0), 1e9) + 2, 1.8)`,
  // 72 h unless an organisation says otherwise, from an hour to a century.
  `
create function engagement_half_life_hours(settings jsonb)
returns double precision language sql immutable parallel safe
return case when jsonb_typeof(settings #> '{engagement,halfLifeHours}') = 'number'
  then least(greatest((settings #>> '{engagement,halfLifeHours}')::double precision, 1), 876000)
  else 72 end`,

  // A content with its rank. Key and organisation are those of the scores, and no more of contents is looked at than is
  // shown: a ranking is a walk along an index of the scores, whatever the planner believes (offset 0 keeps it from joining
  // all of an organisation's contents first).
  `
create view ranked_contents as
select s.content_id as id, s.organisation_id, c.author_id, c.product_id, c.slug, c.title, c.summary, c.status,
       c.published_at, c.updated_at, c.deleted_at, c.version,
       s.view_count, s.like_count, s.share_count, s.comment_count, s.purchase_count,
       s.engagement_score, s.trending_score, s.score_updated_at
  from content_scores s cross join lateral (select * from contents where id = s.content_id offset 0) as c`,
]

/** Undoes `up`; before the tables that it builds on are gone. */
export const down: readonly string[] = [
  'drop view ranked_contents',
  'drop function engagement_half_life_hours(jsonb)',
  'drop function trending_score(bigint, bigint, bigint, bigint, bigint, double precision)',
  'drop function engagement_score(bigint, bigint, bigint, bigint, bigint, double precision, double precision)',
  'drop function engagement_quality(bigint, bigint, bigint, bigint)',
  'drop function wilson_lower_bound(double precision, double precision)',
  'drop function engagement_raw(bigint, bigint, bigint, bigint, bigint)',
  'drop function interaction_weight(text)',
  'drop table interaction_rollups',
  'drop trigger interactions_inbox on interactions',
  'drop function queue_interactions() cascade',
  'drop table interaction_inbox',
  'drop trigger contents_scores on contents',
  'drop function begin_content_scores()',
  'drop table content_scores',
]
