import type { Transaction } from '#platform/database/transaction'
import { sqlState } from '#platform/database/transaction'
import { Problem } from '#platform/problem'
import { sql } from 'kysely'
import { refuseLacking } from './get-rates.ts'
import type { SnapshotType } from './fx-snapshot.ts'
import { problems } from './problems.ts'

/** What to freeze, for which link. */
export type Capture = {
  readonly setId: string
  readonly organisationId: string
  readonly paymentLinkId: string
  readonly snapshotType: SnapshotType
  /** What the link is priced in. */
  readonly currency: string
  /** In minor units of `currency`; undefined where the payer chooses. */
  readonly amountMinor: bigint | undefined
  /** The settlement assets, four by the organisation's own rule and by the set's constraint. */
  readonly assets: readonly string[]
  /** In order of preference. */
  readonly providers: readonly string[]
  /** One instant for the whole set; the rates are those known then. */
  readonly capturedAt: Date
  readonly lockExpiresAt: Date | undefined
  readonly allowStale: boolean
}

/** One frozen rate, as stored. Decimals and bigints are text, instants RFC 3339 in UTC. */
export type CapturedSnapshot = {
  readonly id: string
  readonly asset: string
  readonly rate: string
  readonly legBase: string
  readonly currencyLeg: string
  readonly assetLeg: string
  /** Minor units of `asset`, half to even. */
  readonly amountMinor: string | null
  readonly provider: string
  readonly batchId: string
  readonly asOf: string
  readonly stalenessSeconds: number
  readonly stalenessSecondsMax: number
  readonly isStale: boolean
  readonly capturedAt: string
  readonly lockExpiresAt: string | null
}

/** Freezes the rates of a set: reads them together and inserts them, in one statement of the caller's transaction.
 *  All of them or none; the amounts are converted at the very rates that are stored, rounded half to even once.
 *  @throws {Problem} fx/rate-unavailable naming what is missing or too old; nothing is written
 *  @throws {Problem} fx/amount-out-of-range if a converted amount exceeds 2^53 - 1 minor units, the most that its JSON
 *  number carries without loss, or if its rate vanishes */
export async function captureSnapshots(
  tx: Pick<Transaction, 'run'>,
  capture: Capture,
): Promise<readonly CapturedSnapshot[]> {
  const rows = await tx.run(statement(capture)).catch(explainRange)
  const { currency, assets, allowStale } = capture
  refuseLacking(
    assets.map((quote) => ({ base: currency, quote })),
    rows.map((row) => ({ ...row, base: currency, quote: row.asset })),
    allowStale,
  )
  return rows.flatMap(({ id, ...row }) => (id === null ? [] : [{ ...row, id }]))
}

/** `id` is null where nothing was inserted, since another of the set was missing. */
type Row = Omit<CapturedSnapshot, 'id'> & { readonly id: string | null }

/** `asset_rate` feeds both the insert and the answer, so what is refused is said with its reasons. The hash covers set,
 *  asset, rate, provider and as-of: `set_id|asset|rate|provider|as_of`, as text, SHA-256. */
const statement = (capture: Capture) => sql<Row>`
  with captured (at, is_stale_allowed, set_id) as (
    values (${capture.capturedAt.toISOString()}::timestamptz, ${capture.allowStale}::boolean, ${capture.setId}::uuid)
  ), asset_rate as materialized (
    select array_position(${[...capture.assets]}::text[], cross_rate.quote) as position, cross_rate.*, cross_rate.rate::numeric(24, 12) as frozen,
           floor(extract(epoch from captured.at - cross_rate.as_of))::integer as staleness_seconds,
           convert_minor(${capture.amountMinor ?? null}::bigint, cross_rate.rate, source.exponent, target.exponent)
             as amount_minor
      from captured
     cross join fx_cross_rates(${capture.currency}, ${[...capture.assets]}::text[],
                               ${[...capture.providers]}::text[], captured.at) as cross_rate
      join assets source on source.code = ${capture.currency}
      join assets target on target.code = cross_rate.quote
  ), inserted as (
    insert into fx_snapshots (
      set_id, organisation_id, payment_link_id, snapshot_type, currency, asset, rate, leg_base,
      currency_leg, asset_leg, amount_minor, provider, batch_id, as_of, staleness_seconds, is_stale,
      captured_at, lock_expires_at, hash)
    select captured.set_id, ${capture.organisationId}::uuid, ${capture.paymentLinkId}::uuid,
           ${capture.snapshotType}, ${capture.currency}, quote, frozen, leg_base, base_leg, quote_leg,
           amount_minor, provider, batch_id, as_of, staleness_seconds, is_stale, captured.at,
           ${capture.lockExpiresAt?.toISOString() ?? null}::timestamptz,
           sha256(convert_to(concat_ws('|', captured.set_id, quote, frozen::text, provider,
             to_char(as_of at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')), 'UTF8'))
      from captured cross join asset_rate
     where (select count(*) from asset_rate where not is_stale or captured.is_stale_allowed)
           = ${capture.assets.length}::integer
    returning id, asset
  )
  select inserted.id, quote as asset, frozen::text as rate, leg_base as "legBase",
         base_leg::text as "currencyLeg", quote_leg::text as "assetLeg", amount_minor::text as "amountMinor",
         provider, batch_id as "batchId", to_char(as_of at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as "asOf",
         staleness_seconds as "stalenessSeconds", staleness_seconds_max as "stalenessSecondsMax",
         is_stale as "isStale", ${capture.capturedAt.toISOString()} as "capturedAt",
         ${capture.lockExpiresAt?.toISOString() ?? null} as "lockExpiresAt"
    from asset_rate left join inserted on inserted.asset = asset_rate.quote
   order by position`

/** 22003: the amount exceeds a bigint. 23514: it exceeds 2^53 - 1, or the rate rounds to nothing at 12 decimals. */
function explainRange(error: unknown): never {
  const state = sqlState(error)
  if (state === '22003' || state === '23514') {
    const detail =
      'At this rate the amount does not fit into the minor units of a settlement asset.'
    throw new Problem(problems.amountOutOfRange, detail, { cause: error })
  }
  throw error
}
