import { expect } from 'chai'
import { sql } from 'kysely'
import {
  createOrganisation,
  findAdmin,
  findCaller,
  issueAdminToken,
  issueApiKey,
  issueMemberToken,
  mintCredential,
  retireCredentials,
  revokeAdminToken,
  revokeApiKey,
  scopes,
} from '#members'
import type { Database, Runner } from '#platform/database/database'
import { Problem } from '#platform/problem'
import { systemRandom } from '#platform/random'
import { openTestDatabase, type OpenDatabase } from '../support/database.ts'
import { createDatabase } from '../support/servers.ts'

type Slice = { readonly db: Database; readonly random: typeof systemRandom }

let opened: OpenDatabase
let slice: Slice
let organisationId: string
let memberId: string

describe('members: callers', () => {
  before(async () => {
    opened = await openTestDatabase(await createDatabase())
    slice = { db: opened.db, random: systemRandom }
    organisationId = await makeOrganisation('acme')
    memberId = await makeMember('active')
  })
  after(() => opened.close())

  describe('with a good credential', () => {
    it('is known by a secret key, with all scopes', async () => {
      const { id, text } = await issueApiKey(slice, {
        organisationId,
        kind: 'secret',
        name: 'till',
      })
      expect(await findCaller(slice.db, text)).to.deep.equal({
        kind: 'secret',
        organisationId,
        keyId: id,
        scopes,
        class: 'standard',
      })
    })

    it('gets from a publishable key what a web page may have, however much was asked for', async () => {
      const { id, text } = await issueApiKey(slice, {
        organisationId,
        kind: 'publishable',
        name: 'page',
        scopes: ['payment-links:write', 'fx:read'],
        class: 'generous',
      })
      expect(await findCaller(slice.db, text)).to.deep.equal({
        kind: 'publishable',
        organisationId,
        keyId: id,
        scopes: ['fx:read'],
        class: 'generous',
      })
    })

    it('is a member with a member token', async () => {
      const { id, text } = await issueMemberToken(slice, { organisationId, memberId, name: 'app' })
      expect(await findCaller(slice.db, text)).to.deep.equal({
        kind: 'member',
        organisationId,
        keyId: id,
        memberId,
        scopes: [
          'payment-links:read',
          'fx:read',
          'catalogue:read',
          'members:read',
          'contents:read',
          'interactions:write',
        ],
        class: 'standard',
      })
    })

    it('is an operator with an admin token, and nobody at the API', async () => {
      const { id, text } = await issueAdminToken(slice, { name: 'night shift', role: 'operator' })
      const admin = { tokenId: id, name: 'night shift', role: 'operator' }
      expect(await findAdmin(slice.db, text)).to.deep.equal(admin)
      expect(await findCaller(slice.db, text)).to.equal(undefined)
    })

    it('costs one statement, and none when the credential is mistyped or of the other surface', async () => {
      const { text } = await issueApiKey(slice, { organisationId, kind: 'secret', name: 'counted' })
      const admin = await issueAdminToken(slice, { name: 'counted', role: 'viewer' })
      expect(await countStatements((db) => findCaller(db, text))).to.equal(1)
      expect(await countStatements((db) => findAdmin(db, admin.text))).to.equal(1)
      for (const wrong of [`${text}0`, text.toUpperCase(), '', 'null', admin.text]) {
        expect(await countStatements((db) => findCaller(db, wrong)), wrong).to.equal(0)
      }
      expect(await countStatements((db) => findAdmin(db, text))).to.equal(0)
    })
  })

  describe('with a credential that does not count', () => {
    it('is nobody with one that was never issued', async () => {
      const { text } = mintCredential('secret', systemRandom)
      expect(await findCaller(slice.db, text)).to.equal(undefined)
      expect(await findAdmin(slice.db, mintCredential('admin', systemRandom).text)).to.equal(
        undefined,
      )
    })

    it('is nobody once the credential has expired, by the clock of the database', async () => {
      const [{ soon, past } = { soon: '', past: '' }] = await slice.db.run(sql<{
        soon: string
        past: string
      }>`
      select (now() + interval '1 minute')::text as soon, (now() - interval '1 millisecond')::text as past`)
      for (const [at, isKnown] of [
        [soon, true],
        [past, false],
      ] as const) {
        const key = {
          organisationId,
          kind: 'secret',
          name: 'short',
          expiresAt: new Date(at),
        } as const
        const { text } = await issueApiKey(slice, key)
        const token = { name: 'short', role: 'viewer', expiresAt: new Date(at) } as const
        const admin = await issueAdminToken(slice, token)
        expect((await findCaller(slice.db, text)) !== undefined, at).to.equal(isKnown)
        expect((await findAdmin(slice.db, admin.text)) !== undefined, at).to.equal(isKnown)
      }
    })

    it('is nobody from the moment of revocation, and revoking twice is harmless', async () => {
      const { id: keyId, text } = await issueApiKey(slice, {
        organisationId,
        kind: 'secret',
        name: 'lost',
      })
      const { id: tokenId, text: admin } = await issueAdminToken(slice, {
        name: 'lost',
        role: 'admin',
      })
      const revoke = (overlapSeconds: number) =>
        revokeApiKey(slice, { organisationId, keyId, overlapSeconds })
      expect([await revoke(600), await revoke(3600)]).to.deep.equal([keyId, undefined])
      expect([await revoke(0), await revoke(0)]).to.deep.equal([keyId, undefined])
      await revokeAdminToken(slice, { tokenId })
      await revokeAdminToken(slice, { tokenId, overlapSeconds: 3600 })
      expect(await findCaller(slice.db, text)).to.equal(undefined)
      expect(await findAdmin(slice.db, admin)).to.equal(undefined)
    })

    it('is nobody while the member is suspended or removed', async () => {
      for (const status of ['suspended', 'removed']) {
        const id = await makeMember('active')
        const { text } = await issueMemberToken(slice, {
          organisationId,
          memberId: id,
          name: 'app',
        })
        expect(await findCaller(slice.db, text)).to.have.property('memberId', id)
        await slice.db.run(sql`update members set status = ${status} where id = ${id}::uuid`)
        expect(await findCaller(slice.db, text), status).to.equal(undefined)
      }
    })
  })

  describe('with credentials of somebody else', () => {
    it('cannot be issued for a member of another organisation', async () => {
      const stranger = await makeOrganisation('stranger')
      const issuing = issueMemberToken(slice, { organisationId: stranger, memberId, name: 'x' })
      expect(await slugOf(issuing)).to.equal('members/member-missing')
    })

    it('cannot be revoked, and their keys look as if they did not exist', async () => {
      const stranger = await makeOrganisation('other')
      const { id: keyId, text } = await issueApiKey(slice, {
        organisationId,
        kind: 'secret',
        name: 'ours',
      })
      const revoking = revokeApiKey(slice, { organisationId: stranger, keyId })
      expect(await slugOf(revoking)).to.equal('read/not-found')
      expect(await findCaller(slice.db, text)).to.have.property('keyId', keyId)
      const nobody = revokeAdminToken(slice, { tokenId: keyId })
      expect(await slugOf(nobody)).to.equal('members/admin-token-missing')
    })

    it('outlive a rotation that is not theirs', async () => {
      const stranger = await makeOrganisation('bystander')
      const key = { kind: 'secret', name: 'x' } as const
      const theirs = await issueApiKey(slice, { ...key, organisationId: stranger })
      const ours = await issueApiKey(slice, { ...key, organisationId })
      const token = await issueMemberToken(slice, { organisationId, memberId, name: 'app' })
      await retireCredentials(slice, { organisationId, overlapSeconds: 0 })
      expect(await findCaller(slice.db, ours.text)).to.equal(undefined)
      expect(await findCaller(slice.db, theirs.text)).to.have.property('organisationId', stranger)
      expect(await findCaller(slice.db, token.text)).to.have.property('memberId', memberId)
    })
  })

  describe('whose credentials are stored', () => {
    it('never contain the text, nor anything to make it of', async () => {
      const texts = [
        await issueApiKey(slice, { organisationId, kind: 'secret', name: 'a' }),
        await issueApiKey(slice, { organisationId, kind: 'publishable', name: 'b' }),
        await issueMemberToken(slice, { organisationId, memberId, name: 'c' }),
        await issueAdminToken(slice, { name: 'd', role: 'admin' }),
      ].map(({ text }) => text)
      const rows = await slice.db.run(sql<{ row: string }>`
      select row_to_json(k)::text as row from api_keys k union all select row_to_json(t)::text from admin_tokens t`)
      const dump = rows.map(({ row }) => row).join('\n')
      for (const text of texts) {
        const secret = text.slice('tg_sk_'.length, -'checks'.length)
        for (let at = 0; at + 6 <= secret.length; at += 1) {
          expect(dump).not.to.include(secret.slice(at, at + 6))
        }
        expect(dump).not.to.include(Buffer.from(text).toString('hex'))
      }
    })
  })
})

async function countStatements(work: (db: Runner) => Promise<unknown>): Promise<number> {
  let count = 0
  await work({
    run: (statement) => {
      count += 1
      return slice.db.run(statement)
    },
  })
  return count
}

async function slugOf(work: Promise<unknown>): Promise<string | undefined> {
  const error = await work.then(
    () => undefined,
    (failure: unknown) => failure,
  )
  return error instanceof Problem ? error.type.slug : undefined
}

function makeOrganisation(slug: string): Promise<string> {
  const settlementAssets = ['EUR', 'USD', 'AUD', 'JPY']
  return createOrganisation(slice, { name: slug, slug, defaultCurrency: 'GBP', settlementAssets })
}

async function makeMember(status: string): Promise<string> {
  const [row] = await slice.db.run(sql<{ id: string }>`
    insert into members (organisation_id, email, name, status)
    values (${organisationId}::uuid, ${`${systemRandom.uuid()}@members.invalid`}, 'Somebody', ${status})
    returning id`)
  return row?.id ?? ''
}
