import { unwatch, watch, type Watched } from '#platform/cache/watch'
import { Migration } from '@mikro-orm/migrations'
import * as tables from './content-tables.ts'
import * as scoring from './content-scoring.ts'

/**
 * Contents that rank themselves. What everybody reads (contents, tags) is apart from what changes all the time (counters
 * and scores in `content_scores`): a row of `contents` is locked by nobody but its writers, and no answer dies of a score.
 */
export class Content extends Migration {
  override up(): void {
    for (const statement of [...tables.up, ...scoring.up]) {
      this.addSql(statement)
    }
    for (const [name, definition] of Object.entries(indexes)) {
      const [kind, on] = definition.startsWith('unique ')
        ? (['unique index', definition.slice('unique '.length)] as const)
        : (['index', definition] as const)
      this.addSql(`create ${kind} ${name} on ${on}`)
    }
    for (const [table, columns] of Object.entries(watched)) {
      watch(table, columns).forEach((statement) => this.addSql(statement))
    }
    // After the triggers, which each partition copies.
    this.addSql(`
      select add_interaction_partition((date_trunc('month', now(), 'UTC') at time zone 'UTC' + make_interval(months => n))::date)
        from generate_series(-1, 3) as n`)
    // A credential that may do all that its kind allowed so far may do so still; one that was made narrower stays so.
    for (const [kind, held, added] of scopes) {
      this.addSql(`update api_keys set scopes = scopes || '{${added}}'
        where kind = '${kind}' and scopes @> '{${held}}'`)
    }
  }

  override down(): void {
    const added = `{${scopes.map(([, , names]) => names).join(',')}}`
    this.addSql(`update api_keys
      set scopes = array(select scope from unnest(scopes) with ordinality as held (scope, position)
                          where scope <> all ('${added}') order by position)
      where scopes && '${added}'`)
    for (const statement of [...scoring.down, ...tables.down]) {
      this.addSql(statement)
    }
    for (const table of Object.keys(watched)) {
      unwatch(table).forEach((statement) => this.addSql(statement))
    }
  }
}

/** By kind: what a key that was not made narrower holds, and what it gets. */
const scopes = [
  [
    'secret',
    'payment-links:read,payment-links:write,fx:read,catalogue:read,organisation:read,members:read,api-keys:read,api-keys:write,ledger:read,accounting:read',
    'contents:read,contents:write,interactions:write',
  ],
  ['publishable', 'fx:read,catalogue:read', 'contents:read'],
  [
    'member',
    'payment-links:read,fx:read,catalogue:read,members:read',
    'contents:read,interactions:write',
  ],
] as const

const shown = `where status = 'published' and deleted_at is null`

/** Name to definition; the tables are empty, so nobody waits. Keyset lists end in (…, id) as those of 0007 do. */
const indexes: Readonly<Record<string, string>> = {
  // the editors see every status, readers only what is `shown`
  idx_contents_org_updated:
    'contents (organisation_id, updated_at desc, id desc) where deleted_at is null',
  idx_contents_status:
    'contents (organisation_id, status, updated_at desc, id desc) where deleted_at is null',
  idx_contents_published: `contents (organisation_id, published_at desc, id desc) ${shown}`,
  idx_contents_author: `contents (organisation_id, author_id, published_at desc, id desc) ${shown}`,
  idx_contents_product: `contents (organisation_id, product_id, published_at desc, id desc) ${shown}`,
  // the probes of their foreign keys
  idx_contents_author_key: 'contents (author_id) where author_id is not null',
  idx_contents_product_key: 'contents (product_id) where product_id is not null',
  idx_contents_slug: 'unique contents (organisation_id, slug)',

  idx_tags_name: 'unique tags (organisation_id, name)',
  // by tag, the newest first; candidates of a recommendation
  idx_content_tags_tag: 'content_tags (tag_id, is_listed, published_at desc, content_id desc)',
  // the probe of its foreign key
  idx_content_likes_content: 'content_likes (content_id)',

  // the two rankings
  idx_content_scores_engagement:
    'content_scores (organisation_id, engagement_score desc, content_id desc)',
  idx_content_scores_trending:
    'content_scores (organisation_id, trending_score desc, content_id desc)',
  // what a run has to score: a walk along the key, which never meets again what it has left behind
  idx_content_scores_due: 'content_scores (content_id) where is_due',

  // what one member did, newest first; what has been seen
  idx_interactions_member:
    'interactions (member_id, created_at desc, id desc) include (content_id, type)',
  // what members said of a content; who bought it
  idx_interactions_content:
    'interactions (content_id, type, created_at desc, id desc) include (member_id)',

  idx_interaction_hours_hour: 'interaction_hours (hour)',
  idx_interaction_receipts_received: 'interaction_receipts (received_at)',
  idx_interaction_rollups_hour: 'interaction_rollups (hour)',
  idx_member_interests_weight: 'member_interests (member_id, weight desc, tag_id desc)',
  // the probe of its foreign key
  idx_member_interests_tag: 'member_interests (tag_id)',
}

/** What the declared reads show and are narrowed and sorted by. Counters and scores are not among it: they lag. */
const watched: Readonly<Record<string, Watched>> = {
  contents: {
    key: ['id'],
    keys: [
      'organisation_id',
      'author_id',
      'product_id',
      'slug',
      'status',
      'published_at',
      'updated_at',
      'deleted_at',
    ],
    shown: ['title', 'summary', 'body', 'created_at', 'version'],
  },
  tags: { key: ['id'], keys: ['organisation_id', 'name'], shown: ['created_at'] },
  content_tags: {
    key: ['content_id', 'tag_id'],
    keys: ['organisation_id', 'is_listed', 'published_at'],
    shown: [],
  },
  interactions: {
    key: ['id'],
    keys: ['organisation_id', 'member_id', 'content_id', 'type', 'created_at'],
    shown: ['comment', 'is_counted'],
  },
}
