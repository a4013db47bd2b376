import { migrations } from '#migrations'
import { migrateDown, migrateUp } from '#platform/database/migrate'
import { expect } from 'chai'
import { Client } from 'pg'
import { createDatabase } from '../support/servers.ts'

const names = migrations.map(({ name }) => name)
const previous = names[names.indexOf('0010-activity') - 1] ?? ''

describe('rows that were there before 0010-activity', () => {
  const old = ['payment-links:read', 'payment-links:write', 'fx:read']
  const added = [
    'organisation:read',
    'members:read',
    'api-keys:read',
    'api-keys:write',
    'ledger:read',
    'accounting:read',
  ]
  const cases: readonly (readonly [
    name: string,
    kind: string,
    held: readonly string[],
    then: readonly string[],
  ])[] = [
    ['a secret key that held all holds all', 'secret', old, [...old, ...added]],
    ['whatever their order', 'secret', old.toReversed(), [...old.toReversed(), ...added]],
    ['a narrower one stays so', 'secret', ['fx:read'], ['fx:read']],
    ['one that may nothing too', 'secret', [], []],
    ['a publishable one gains nothing', 'publishable', ['fx:read'], ['fx:read']],
    [
      'a member may read what is theirs',
      'member',
      ['payment-links:read', 'fx:read'],
      ['payment-links:read', 'fx:read', 'members:read'],
    ],
  ]
  let url: string
  let client: Client

  before(async () => {
    url = await createDatabase()
    await migrateDown(url, migrations, { depth: { kind: 'to', name: previous } })
    client = new Client({ connectionString: url })
    await client.connect()
    await client.query(`insert into organisations (name, slug, default_currency, settlement_assets)
      values ('Shop', 'shop', 'GBP', '{EUR,USD,AUD,JPY}')`)
    await client.query(`insert into members (organisation_id, email, name)
      select id, 'a@b.example', 'A' from organisations`)
    await client.query(`insert into member_roles (member_id, role) select id, 'owner' from members`)
    for (const [name, kind, held] of cases) {
      await client.query(
        `insert into api_keys (organisation_id, member_id, kind, name, key_hash, prefix, last_four, scopes)
         select organisation_id, case when $2::text = 'member' then id end, $2::text, $1::text, sha256($1::text::bytea), 'x', 'xxxx', $3 from members`,
        [name, kind, held],
      )
    }
  })
  after(() => client.end())

  const held = async (): Promise<unknown> => {
    const { rows } = await client.query<{ name: string; scopes: string[] }>(
      'select name, scopes from api_keys',
    )
    return Object.fromEntries(rows.map((row) => [row.name, row.scopes]))
  }

  it('as credentials: scopes grow with what they held, shrink back, and grow again', async () => {
    const narrow = Object.fromEntries(cases.map(([name, , first]) => [name, first]))
    const wide = Object.fromEntries(cases.map(([name, , , then]) => [name, then]))
    await migrateUp(url, migrations)
    expect(await held()).to.deep.equal(wide)
    await migrateDown(url, migrations, { depth: { kind: 'to', name: previous } })
    expect(await held()).to.deep.equal(narrow)
    await migrateUp(url, migrations)
    expect(await held()).to.deep.equal(wide)
  })

  it('as roles: belong to the organisation of their member', async () => {
    await migrateUp(url, migrations)
    const { rows } = await client.query(
      `select r.role from member_roles r join members m on m.id = r.member_id and m.organisation_id = r.organisation_id`,
    )
    expect(rows).to.deep.equal([{ role: 'owner' }])
  })
})

describe('credentials that were there before 0018-content', () => {
  const last = names[names.indexOf('0018-content') - 1] ?? ''
  const all = [
    'payment-links:read',
    'payment-links:write',
    'fx:read',
    'catalogue:read',
    'organisation:read',
    'members:read',
    'api-keys:read',
    'api-keys:write',
    'ledger:read',
    'accounting:read',
  ]
  const cases: Readonly<
    Record<string, readonly [held: readonly string[], added: readonly string[]]>
  > = {
    secret: [all, ['contents:read', 'contents:write', 'interactions:write']],
    'secret, narrower': [all.slice(1), []],
    publishable: [['fx:read', 'catalogue:read'], ['contents:read']],
    'publishable, narrower': [['fx:read'], []],
    member: [
      ['payment-links:read', 'fx:read', 'catalogue:read', 'members:read'],
      ['contents:read', 'interactions:write'],
    ],
    'member, narrower': [['payment-links:read', 'fx:read', 'catalogue:read'], []],
  }
  let url: string
  let client: Client
  before(async () => {
    url = await createDatabase()
    await migrateDown(url, migrations, { depth: { kind: 'to', name: last } })
    client = new Client({ connectionString: url })
    await client.connect()
    await client.query(`insert into organisations (name, slug, default_currency, settlement_assets)
      values ('Shop', 'shop', 'GBP', '{EUR,USD,AUD,JPY}')`)
    await client.query(`insert into members (organisation_id, email, name)
      select id, 'a@b.example', 'A' from organisations`)
    for (const [name, [held]] of Object.entries(cases)) {
      const [kind = ''] = name.split(',')
      await client.query(
        `insert into api_keys (organisation_id, member_id, kind, name, key_hash, prefix, last_four, scopes)
         select organisation_id, case when $2::text = 'member' then id end, $2::text, $1::text, sha256($1::text::bytea), 'x', 'xxxx', $3 from members`,
        [name, kind, held],
      )
    }
  })
  after(() => client.end())

  it('may read contents and take interactions down where they might do all of their kind, and not after it is undone', async () => {
    const scopes = async () => {
      const { rows } = await client.query<{ name: string; scopes: string[] }>(
        'select name, scopes from api_keys',
      )
      return Object.fromEntries(rows.map((row) => [row.name, row.scopes]))
    }
    const wide = Object.fromEntries(
      Object.entries(cases).map(([name, [held, added]]) => [name, [...held, ...added]]),
    )
    await migrateUp(url, migrations)
    expect(await scopes()).to.deep.equal(wide)
    await migrateDown(url, migrations, { depth: { kind: 'to', name: last } })
    const narrow = Object.entries(cases).map(([name, [held]]) => [name, held])
    expect(await scopes()).to.deep.equal(Object.fromEntries(narrow))
  })
})
