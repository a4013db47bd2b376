import type { allowances } from '#platform/resource/declared-reads'

/** A read that is no declared resource: who asks, and what. */
export type OtherRead = {
  readonly reader: string
  readonly text: string
  readonly allowance?: keyof typeof allowances
}

/**
 * The table of contents of what reads the database beside the declared resources: jobs, look-ups and write paths, each
 * under the index that it needs. `npm run migrate -- analyze` and the index proof take their plans like those of
 * declared reads. What a declared read uses needs no line here.
 */
export const otherReads: Readonly<Record<string, OtherRead>> = {
  // whoever comes with a credential
  idx_api_keys_hash: {
    reader: 'the look-up of a caller by its key',
    text: 'select id from api_keys where key_hash = $1',
  },
  idx_admin_tokens_hash: {
    reader: 'the look-up of an admin token',
    text: 'select id from admin_tokens where token_hash = $1',
  },
  idx_members_last_active: {
    reader: 'the warming of caches for active members, batch after batch',
    text: `select id, organisation_id, last_active_at from members
            where status = 'active' and last_active_at >= $1 and (last_active_at, id) < ($2, $3)
            order by last_active_at desc, id desc limit 500`,
  },

  // exchange rates
  idx_fx_batches_provider_finished: {
    reader: 'the refresh of rates, for the last attempt of a provider',
    text: 'select status from fx_batches where provider = $1 order by finished_at desc limit 1',
  },
  idx_fx_snapshots_asset_captured: {
    reader: 'the report on frozen rates, to come',
    text: `select rate from fx_snapshots where organisation_id = $1 and asset = $2
            order by captured_at desc limit 20`,
  },

  // payment links and what happens to them
  idx_payment_links_short_code: {
    reader: 'the page on which a link is paid, to come',
    text: 'select id from payment_links where short_code = $1',
  },
  idx_payment_links_expiry: {
    reader: 'the job that expires links',
    text: `select id from payment_links where status in ('open', 'partially_paid') and expires_at <= $1
            order by expires_at limit 500 for update skip locked`,
  },
  idx_payment_events_provider_ref: {
    reader: 'the intake of webhooks, to know what came before; to come',
    text: 'select id from payment_events where provider = $1 and provider_event_id = $2',
  },

  // what is sold
  idx_products_org_created: {
    reader: 'the back office, every product; to come',
    text: `select id from products where organisation_id = $1 and deleted_at is null
            order by created_at desc, id desc limit 20`,
  },
  idx_products_status: {
    reader: 'the back office, products of a status; to come',
    text: `select id from products where organisation_id = $1 and status = $2 and deleted_at is null
            order by created_at desc, id desc limit 20`,
  },
  idx_prices_product_currency: {
    reader: 'the price of a cart line now, to come',
    text: `select amount_minor, valid_from, valid_to from prices
            where product_id = $1 and currency = $2 and valid_from <= $3 order by valid_from desc limit 1`,
  },
  idx_inventory_items_org_updated: {
    reader: 'the back office, stock that changed; to come',
    text: `select id from inventory_items where organisation_id = $1
            order by updated_at desc, id desc limit 20`,
  },
  idx_inventory_items_low: {
    reader: 'the back office, stock that runs low; to come',
    text: `select id from inventory_items
            where organisation_id = $1 and on_hand - reserved <= low_stock_threshold
            order by updated_at desc, id desc limit 20`,
  },

  // ledger and accounting
  idx_ledger_transactions_idem: {
    reader: 'the ledger, for a posting that was made before; to come',
    text: 'select id from ledger_transactions where organisation_id = $1 and idempotency_key = $2',
  },
  idx_ledger_transactions_reference: {
    reader: 'the ledger, for the postings of an order or a link; to come',
    text: `select id from ledger_transactions
            where organisation_id = $1 and reference_type = $2 and reference_id = $3`,
  },
  idx_ledger_transactions_pending: {
    reader: 'the job that posts what has become due, to come',
    text: `select id from ledger_transactions where status = 'pending' and effective_at <= $1
            order by effective_at limit 100`,
  },
  idx_xero_syncs_status: {
    reader: 'the job that sends to Xero, to come',
    text: `select id from xero_syncs where status = 'pending' and next_attempt_at <= $1
            order by next_attempt_at limit 100`,
  },

  // the cache
  idx_change_log_xid: {
    reader: 'the cache of every process, for what changed since it looked last',
    text: `select xid, relation, rows from change_log
            where xid >= pg_snapshot_xmax($1) or xid = any (array(select pg_snapshot_xip($1))) limit 100001`,
    allowance: 'catchUp',
  },

  // contents
  idx_content_scores_due: {
    reader: 'the scoring of contents whose counters have changed, to come',
    text: `select content_id from content_scores where is_due and content_id > $1
            order by content_id limit 500`,
  },
  idx_interaction_hours_hour: {
    reader: 'the clean-up of what was counted in an hour, to come',
    text: 'select member_id from interaction_hours where hour < $1 order by hour limit 500',
  },
  idx_interaction_receipts_received: {
    reader: 'the clean-up of receipts of interactions, to come',
    text: `select client_id from interaction_receipts where received_at < $1
            order by received_at limit 500`,
  },
  idx_interaction_rollups_hour: {
    reader: 'the clean-up of old rollups, to come',
    text: 'select content_id from interaction_rollups where hour < $1 order by hour limit 500',
  },
  idx_member_interests_weight: {
    reader: 'recommendations, for the interests of a member',
    text: 'select tag_id, weight from member_interests where member_id = $1 order by weight desc, tag_id desc limit 5',
  },
  idx_recommendation_models_current: {
    reader: 'recommendations, for the model of an organisation',
    text: 'select id from recommendation_models where organisation_id = $1 and is_current',
  },
  idx_recommendation_evaluations_last: {
    reader: 'the admin process, for the last evaluation of an organisation',
    text: `select figures from recommendation_evaluations where organisation_id = $1
            order by evaluated_at desc limit 1`,
  },

  // delivery
  idx_outbox_events_published: {
    reader: 'the clean-up of events that were published',
    text: 'select id from outbox_events where published_at < $1 order by published_at limit 100 for update skip locked',
  },
  idx_outbox_events_unpublished: {
    reader: 'the relay of the outbox, for new events',
    text: 'select id from outbox_events where published_at is null order by id limit 100',
  },
  idx_event_deliveries_open: {
    reader: 'the relay of the outbox, for what is to be given to somebody',
    text: 'select subscriber from event_deliveries where ended_at is null order by event_id limit 100',
  },
  idx_event_deliveries_order: {
    reader: 'the relay of the outbox, whether an earlier event of the aggregate is open',
    text: `select event_id from event_deliveries
            where subscriber = $1 and aggregate_id = $2 and ended_at is null and event_id < $3`,
  },
  idx_idempotency_keys_expiry: {
    reader: 'the clean-up of idempotency keys',
    text: 'select key from idempotency_keys where expires_at <= $1 order by expires_at limit 100 for update skip locked',
  },
  idx_job_runs_name_started: {
    reader: 'the schedules, for the last run of a job',
    text: 'select id from job_runs where name = $1 order by started_at desc limit 20',
  },
  idx_job_runs_job: {
    reader: 'each run of a job, for earlier runs of it',
    text: `select id from job_runs where queue = $1 and bull_id = $2 and state = 'completed'`,
  },
  idx_job_runs_completed: {
    reader: 'the clean-up of job runs',
    text: `select id from job_runs where state = 'completed' and finished_at < $1
            order by finished_at limit 100`,
  },
  idx_job_runs_failed: {
    reader: 'operators, for runs that failed',
    text: `select id from job_runs where state = 'failed' order by finished_at desc limit 20`,
  },
  idx_job_runs_started: {
    reader: 'operators, for the last runs of all jobs',
    text: 'select id from job_runs order by started_at desc, id desc limit 20',
  },
  idx_job_runs_org_started: {
    reader: 'operators, for the runs for one organisation',
    text: `select id from job_runs where organisation_id = $1
            order by started_at desc, id desc limit 20`,
  },
  idx_job_runs_trace: {
    reader: 'operators, for the run of a trace',
    text: 'select id from job_runs where trace_id = $1',
  },
  idx_job_runs_error_trgm: {
    reader: 'operators, for runs by the text of their error',
    text: `select id from job_runs where error ilike $1 limit 20`,
  },
  idx_dead_letters_open: {
    reader: 'whoever buries a job, whether it is there',
    text: `select id from dead_letters where queue = $1 and job_id = $2 and resolution is null`,
  },
  idx_dead_letters_died: {
    reader: 'operators, for jobs that were given up',
    text: `select id from dead_letters order by died_at desc, id desc limit 20`,
  },

  // what operators did, and what they read
  idx_audit_log_org: {
    reader: 'the admin process, what was done to an organisation',
    text: 'select procedure from audit_log where organisation_id = $1 order by id desc limit 20',
  },
  idx_audit_log_procedure: {
    reader: 'the admin process, who called a procedure',
    text: 'select actor from audit_log where procedure = $1 order by id desc limit 20',
  },
  idx_audit_log_token: {
    reader: 'the admin process, what was done with a token',
    text: 'select procedure from audit_log where admin_token_id = $1 order by id desc limit 20',
  },
  idx_admin_answers_expiry: {
    reader: 'the clean-up of answers to operators',
    text: 'select key from admin_answers where expires_at <= $1 order by expires_at limit 100 for update skip locked',
  },
  idx_reports_kind: {
    reader: 'the admin process, reports of a kind',
    text: 'select id, kind, created_at, figures from reports where kind = $1 order by id desc limit 20',
  },
}
