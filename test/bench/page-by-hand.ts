/** A page of payment links as it is asked for by hand, with one row to look ahead. */
export const handWritten = (limit: number): string => `
  select l.id, short_code, status, amount_minor, currency, a.exponent, description, external_reference, member_id, rate_mode,
         accepted_assets, completions_max, completions_count, expires_at, metadata, l.created_at, updated_at, version
    from payment_links l join assets a on a.code = l.currency
   where organisation_id = $1 and deleted_at is null
   order by l.created_at desc, l.id desc
   limit ${limit + 1}`

/** What the API calls the columns. */
export function present(row: any): unknown {
  return {
    id: row.id,
    shortCode: row.short_code,
    status: row.status,
    amount:
      row.amount_minor === null
        ? null
        : { amount: Number(row.amount_minor), currency: row.currency, exponent: row.exponent },
    description: row.description,
    reference: row.external_reference,
    memberId: row.member_id,
    rateMode: row.rate_mode,
    acceptedAssets: row.accepted_assets,
    completionsMax: row.completions_max,
    completionsCount: row.completions_count,
    expiresAt: row.expires_at?.toISOString() ?? null,
    metadata: row.metadata,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
    version: row.version,
  }
}
