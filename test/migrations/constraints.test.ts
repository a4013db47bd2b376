import { expect } from 'chai'
import { Client } from 'pg'
import { createDatabase } from '../support/servers.ts'

const org = '01990000-0000-7000-8000-000000000001'
const batch = '01990000-0000-7000-8000-000000000002'

/** The constraint or SQLSTATE that refused the work, or `accepted`. */
type Verdict = string

describe('the database itself', () => {
  let client: Client
  before(async () => {
    client = new Client({ connectionString: await createDatabase() })
    await client.connect()
    await client.query(
      `insert into organisations (id, name, slug, default_currency, settlement_assets)
       values ('${org}', 'Shop', 'shop', 'GBP', '{EUR,USD,AUD,JPY}')`,
    )
    await client.query(
      `insert into fx_batches (id, provider, status, started_at, finished_at, http_calls, latency_ms)
       values ('${batch}', 'ecb', 'stored', now(), now(), 1, 5)`,
    )
  })
  after(() => client.end())

  /** Runs statements in one transaction up to COMMIT, where the deferred constraints speak. */
  async function commit(...statements: readonly string[]): Promise<Verdict> {
    await client.query('begin')
    try {
      for (const statement of statements) {
        await client.query(statement)
      }
      await client.query('commit')
      return 'accepted'
    } catch (error) {
      await client.query('rollback')
      const { constraint, code } = error as { constraint?: string; code: string }
      return constraint ?? code
    }
  }

  let count = 0
  /** A link and `rates` frozen rates, valid by default; says only what differs. */
  function link(
    rates: number,
    {
      columns = {},
      set = 'b',
      asset = '',
    }: { columns?: object; set?: string; asset?: string } = {},
  ): { readonly id: string; readonly statements: readonly string[] } {
    count += 1
    const id = `01990000-0000-7000-8000-${String(count).padStart(12, '0')}`
    const values: Record<string, string> = {
      id: `'${id}'`,
      organisation_id: `'${org}'`,
      short_code: `'code${count}'`,
      status: `'open'`,
      amount_minor: '1000',
      currency: `'GBP'`,
      accepted_assets: `'{}'`,
      fx_set_id: `'${setId('b', count)}'`,
      ...columns,
    }
    const snapshots = ['EUR', 'USD', 'AUD', 'JPY', 'CHF', 'SEK']
      .slice(0, rates)
      .map((code) => snapshot({ id, set: setId(set, count), asset: asset || code }))
    return {
      id,
      statements: [
        `insert into payment_links (${Object.keys(values).join(', ')}) values (${Object.values(values).join(', ')})`,
        ...snapshots,
      ],
    }
  }

  const setId = (set: string, n: number): string =>
    `01990000-0000-7000-800${set}-${String(n).padStart(12, '0')}`

  function snapshot(of: { id: string; set: string; asset: string; rate?: string }): string {
    return `insert into fx_snapshots (set_id, organisation_id, payment_link_id, snapshot_type, currency, asset, rate,
        leg_base, currency_leg, asset_leg, provider, batch_id, as_of, staleness_seconds, is_stale, captured_at, hash)
      values ('${of.set}', '${org}', '${of.id}', 'creation', 'GBP', '${of.asset}', ${of.rate ?? '1.25'},
        'EUR', 0.8, 1, 'ecb', '${batch}', now(), 0, false, now(), '\\x00')`
  }

  describe('freezes four rates with a link', () => {
    it('accepts four', async () => {
      expect(await commit(...link(4).statements)).to.equal('accepted')
    })
    for (const rates of [0, 1, 3, 5, 6]) {
      it(`refuses ${rates}`, async () => {
        expect(await commit(...link(rates).statements)).to.equal('fx_snapshots_four_rates')
      })
    }
    it('refuses four of another set than the link names', async () => {
      expect(await commit(...link(4, { set: 'c' }).statements)).to.equal('fx_snapshots_four_rates')
    })
    it('refuses the same asset twice in a set', async () => {
      const { statements } = link(4, { asset: 'EUR' })
      expect(await commit(...statements)).to.equal('idx_fx_snapshots_link_type')
    })
    it('refuses a fifth afterwards, and a set that the link is moved to without its four', async () => {
      const { id, statements } = link(4)
      expect(await commit(...statements)).to.equal('accepted')
      const fifth = snapshot({ id, set: setId('b', count), asset: 'CHF' })
      expect(await commit(fifth)).to.equal('fx_snapshots_four_rates')
      const moved = `update payment_links set fx_set_id = uuid_v7() where id = '${id}'`
      expect(await commit(moved)).to.equal('fx_snapshots_four_rates')
    })
    for (const rate of ['0', '-1', "'NaN'"]) {
      it(`refuses a rate of ${rate}`, async () => {
        const { id, statements } = link(3)
        const last = snapshot({ id, set: setId('b', count), asset: 'JPY', rate })
        const verdict = await commit(...statements, last)
        expect(verdict).to.equal('fx_snapshots_rate_check')
      })
    }
  })

  describe('keeps what is append-only', () => {
    const ledger = '01990000-0000-7000-8000-00000000000a'
    before(async () => {
      const { id, statements } = link(4)
      expect(await commit(...statements)).to.equal('accepted')
      await client.query(
        `insert into payment_events (organisation_id, payment_link_id, type) values ('${org}', '${id}', 'created')`,
      )
      expect(
        await commit(
          ...posting(
            'ordinary',
            [
              ['D', 5, 'GBP'],
              ['C', 5, 'GBP'],
            ],
            ledger,
          ),
        ),
      ).to.equal('accepted')
    })
    for (const table of ['fx_snapshots', 'payment_events', 'ledger_entries']) {
      for (const statement of [
        `update ${table} set organisation_id = organisation_id`,
        `delete from ${table}`,
        `truncate ${table} cascade`,
      ]) {
        it(`and refuses ${statement}`, async () => {
          const { rows } = await client.query(`select from ${table}`)
          expect(rows).not.to.have.length(0)
          expect(await commit(statement)).to.equal('23001')
        })
      }
    }
    it('and refuses to remove a link, since its history would go with it', async () => {
      expect(await commit('delete from payment_links')).to.match(/_fkey$/)
      expect(await commit('truncate payment_links cascade')).to.equal('23001')
    })
  })

  type Side = readonly [direction: 'D' | 'C', amount: number, asset: string]
  function posting(
    key: string,
    sides: readonly Side[],
    id = `01990000-0000-7000-8001-${String((count += 1)).padStart(12, '0')}`,
  ): readonly string[] {
    const account = (asset: string): string =>
      `(select id from ledger_accounts where asset = '${asset}')`
    return [
      ...['GBP', 'USD'].map(
        (asset) =>
          `insert into ledger_accounts (organisation_id, code, name, asset, type, normal_side)
           values ('${org}', 'cash', 'Cash', '${asset}', 'asset', 'D') on conflict do nothing`,
      ),
      `insert into ledger_transactions (id, organisation_id, idempotency_key, reference_type, reference_id, status, effective_at, hash)
       values ('${id}', '${org}', '${key}', 'payment_link', uuid_v7(), 'posted', now(), '\\x00')`,
      ...sides.map(
        ([direction, amount, asset]) =>
          `insert into ledger_entries (ledger_transaction_id, organisation_id, account_id, direction, amount_minor, asset)
           values ('${id}', '${org}', ${account(asset)}, '${direction}', ${amount}, '${asset}')`,
      ),
    ]
  }

  describe('balances the ledger at COMMIT', () => {
    const cases: readonly (readonly [string, readonly Side[], Verdict])[] = [
      [
        'equal sides',
        [
          ['D', 7, 'GBP'],
          ['C', 3, 'GBP'],
          ['C', 4, 'GBP'],
        ],
        'accepted',
      ],
      ['one side', [['D', 7, 'GBP']], 'ledger_entries_balance'],
      [
        'sides that differ by one',
        [
          ['D', 7, 'GBP'],
          ['C', 6, 'GBP'],
        ],
        'ledger_entries_balance',
      ],
      [
        'sides in two assets',
        [
          ['D', 7, 'GBP'],
          ['C', 7, 'USD'],
        ],
        'ledger_entries_balance',
      ],
      [
        'an amount of zero',
        [
          ['D', 0, 'GBP'],
          ['C', 0, 'GBP'],
        ],
        'ledger_entries_amount_minor_check',
      ],
      [
        'a negative amount',
        [
          ['D', -7, 'GBP'],
          ['C', -7, 'GBP'],
        ],
        'ledger_entries_amount_minor_check',
      ],
    ]
    for (const [name, sides, verdict] of cases) {
      it(`${verdict === 'accepted' ? 'accepts' : 'refuses'} ${name}`, async () => {
        expect(await commit(...posting(name, sides))).to.equal(verdict)
      })
    }
    it('refuses the same posting twice', async () => {
      const sides: readonly Side[] = [
        ['D', 1, 'GBP'],
        ['C', 1, 'GBP'],
      ]
      expect(await commit(...posting('once', sides))).to.equal('accepted')
      expect(await commit(...posting('once', sides))).to.equal('idx_ledger_transactions_idem')
    })
  })

  describe('checks values', () => {
    const links: readonly (readonly [string, object, Verdict])[] = [
      ['an amount of zero', { amount_minor: '0' }, 'payment_links_amount_minor_check'],
      ['a negative amount', { amount_minor: '-1' }, 'payment_links_amount_minor_check'],
      ['2^53', { amount_minor: '9007199254740992' }, 'payment_links_amount_minor_check'],
      ['2^53 - 1', { amount_minor: '9007199254740991' }, 'accepted'],
      ['no amount: the payer decides', { amount_minor: 'null' }, 'accepted'],
      ['a currency that is not listed', { currency: `'ZZZ'` }, 'payment_links_currency_fkey'],
      ['a status that is not one', { status: `'lost'` }, 'payment_links_status_check'],
      ['a short code that is taken', { short_code: `'taken'` }, 'accepted'],
      ['it again', { short_code: `'taken'` }, 'idx_payment_links_short_code'],
      ['a reference', { external_reference: `'R-1'` }, 'accepted'],
      ['that reference again', { external_reference: `'R-1'` }, 'idx_payment_links_reference'],
    ]
    for (const [name, columns, verdict] of links) {
      it(`of a link: ${name}, ${verdict === 'accepted' ? 'accepted' : 'refused'}`, async () => {
        expect(await commit(...link(4, { columns }).statements)).to.equal(verdict)
      })
    }

    const rate = (columns: object): string => {
      const values = {
        batch_id: `'${batch}'`,
        provider: `'ecb'`,
        base_asset: `'EUR'`,
        quote_asset: `'USD'`,
        rate: '1.1',
        as_of: `'2026-01-02'`,
        fetched_at: 'now()',
        ...columns,
      }
      return `insert into fx_rates (${Object.keys(values).join(', ')}) values (${Object.values(values).join(', ')})`
    }
    const rates: readonly (readonly [string, object, Verdict])[] = [
      ['as published', {}, 'accepted'],
      ['of one day twice', {}, 'idx_fx_rates_provider_pair_asof'],
      ['of zero', { rate: '0' }, 'fx_rates_rate_check'],
      ['that is not a number', { rate: `'NaN'` }, 'fx_rates_rate_check'],
      ['with 13 decimals', { rate: '1.0000000000001' }, 'fx_rates_rate_check'],
      ['of 10^12', { rate: '1e12' }, 'fx_rates_rate_check'],
      ['of an asset in itself', { quote_asset: `'EUR'` }, 'fx_rates_pair_check'],
      ['excluded without a reason', { excluded: 'true' }, 'fx_rates_exclusion_check'],
    ]
    for (const [name, columns, verdict] of rates) {
      it(`of a rate: ${name}, ${verdict === 'accepted' ? 'accepted' : 'refused'}`, async () => {
        expect(await commit(rate(columns))).to.equal(verdict)
      })
    }

    for (const [name, list] of [
      ['three', '{EUR,USD,AUD}'],
      ['the same twice', '{EUR,EUR,AUD,JPY}'],
    ] as const) {
      it(`of settlement assets: ${name}, refused`, async () => {
        const update = `update organisations set settlement_assets = '${list}'`
        expect(await commit(update)).to.equal('organisations_settlement_assets_check')
      })
    }

    it('of an email: the same in other letters is the same member', async () => {
      const member = (email: string): string =>
        `insert into members (organisation_id, email, name) values ('${org}', '${email}', 'A')`
      expect(await commit(member('a@b.example'))).to.equal('accepted')
      expect(await commit(member('A@B.Example'))).to.equal('idx_members_org_email')
    })
  })

  describe('makes identifiers', () => {
    it('of version 7 and variant 10, whatever their time', async () => {
      const { rows } = await client.query<{ id: string }>(
        `select uuid_v7('1999-01-04'::timestamptz + n * interval '37 days 5.123456 seconds')::text as id
           from generate_series(0, 499) as n`,
      )
      expect(rows).to.have.length(500)
      for (const { id } of rows) {
        expect(id).to.match(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
      }
    })
    it('that sort by their millisecond and carry it', async () => {
      const { rows } = await client.query<{ sorted: boolean; exact: boolean }>(
        `select bool_and(id > previous) as sorted, bool_and(carried = ms) as exact from (
           select id, lag(id) over (order by ms) as previous, ms,
                  ('x' || substr(replace(id::text, '-', ''), 1, 12))::bit(48)::bigint as carried
             from (select uuid_v7(to_timestamp(ms / 1000.0)) as id, ms
                     from (select 915408000000 + n * 7919::bigint as ms from generate_series(0, 999) as n) as at) as made
         ) as checked`,
      )
      expect(rows).to.deep.equal([{ sorted: true, exact: true }])
    })
    it('that do not repeat within a millisecond', async () => {
      const { rows } = await client.query<{ n: string }>(
        `select count(distinct uuid_v7('2026-01-01'))::text as n from generate_series(1, 10000)`,
      )
      expect(rows).to.deep.equal([{ n: '10000' }])
    })
  })
})
