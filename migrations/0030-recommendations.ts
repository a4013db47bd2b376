import { Migration } from '@mikro-orm/migrations'

/**
 * What recommendations are made from, worked out by a job: what was taken together, what is gaining, what hardly anybody has
 * seen. A model is written whole and put in the place of the one before it in one commit. None of it is watched: a list lives
 * for its time with the model that made it.
 */
export class Recommendations extends Migration {
  override up(): void {
    for (const statement of up) {
      this.addSql(statement)
    }
  }

  override down(): void {
    for (const table of [
      'recommendation_evaluations',
      'content_neighbours',
      'recommendation_models',
    ]) {
      this.addSql(`drop table ${table}`)
    }
  }
}

const up: readonly string[] = [
  // The newest interaction that it knows of is the instant that all its ages are counted to, so that no clock is read.
  `
create table recommendation_models (
  id bigint generated always as identity primary key,
  organisation_id uuid not null references organisations (id),
  trained_until timestamptz not null,
  built_at timestamptz not null default now(),
  is_current boolean not null default false,
  trending_ids uuid[] not null,
  trending_weights real[] not null,
  exploration_ids uuid[] not null
)`,
  // the model of an organisation; that there is one
  `create unique index idx_recommendation_models_current on recommendation_models (organisation_id) where is_current`,
  // the probe of its foreign key
  `create index idx_recommendation_models_organisation on recommendation_models (organisation_id)`,
  // A content in one row with all its neighbours: one page where a row for each would be three, and a third of the bytes.
  `
create table content_neighbours (
  model_id bigint not null references recommendation_models (id) on delete cascade,
  content_id uuid not null,
  neighbour_ids uuid[] not null,
  weights real[] not null,
  primary key (model_id, content_id)
)`,
  // How well models did on purchases that they did not know.
  `
create table recommendation_evaluations (
  id bigint generated always as identity primary key,
  organisation_id uuid not null references organisations (id),
  split_at timestamptz not null,
  members_count integer not null,
  figures jsonb not null,
  evaluated_at timestamptz not null default now()
)`,
  // the last one
  `create index idx_recommendation_evaluations_last on recommendation_evaluations (organisation_id, evaluated_at desc)`,
]
