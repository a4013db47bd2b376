import { expect } from 'chai'
import type { Client } from 'pg'
import { changesChannel, quietApplication } from '#platform/cache/change'
import { insertThings, openChangeLog, thing, type ChangeLogFixture } from './change-log.ts'

describe('the session that writes', () => {
  let log: ChangeLogFixture
  before(async () => {
    log = await openChangeLog()
    await log.client.query(insertThings(1, 3))
  })
  after(() => log.close())
  beforeEach(() => log.client.query('truncate change_log'))

  it('needs no right to the log, and cannot lead its changes elsewhere', async () => {
    const role = `writer_${new URL(log.url).pathname.slice(1)}`
    await log.client.query(
      `create role ${role} login password 'test'; grant select, insert, update on things to ${role}`,
    )
    const writer = await log.connect({ user: role })
    const refusal = await writer
      .query('delete from change_log')
      .catch((error: Error) => error.message)
    expect(refusal).to.equal('permission denied for table change_log')
    await writer.query('create temporary table change_log (xid xid8, relation text, rows json)')
    await writer.query(`set search_path = pg_temp, public; update things set owner = 'bob'`)
    const { rows } = await log.client.query('select relation from public.change_log')
    expect(rows).to.deep.equal([{ relation: 'things' }])
  })

  it('may have any time zone and style of dates: instants are ISO 8601', async () => {
    const writer = await log.connect()
    await writer.query(
      `set time zone 'Asia/Kolkata'; set datestyle = 'German, DMY'; set bytea_output = 'escape'`,
    )
    await writer.query(
      `update things set at = '2026-01-02T03:04:05.678901Z' where id = '${thing(1)}'`,
    )
    const { rows } = await log.client.query(`select rows -> 0 -> 1 ->> 'at' as at from change_log`)
    expect(rows).to.deep.equal([{ at: '2026-01-02T08:34:05.678901+05:30' }])
  })

  it('may be of any isolation level', async () => {
    for (const level of ['repeatable read', 'serializable']) {
      await log.client.query('truncate change_log')
      const writer = await log.connect()
      await writer.query(
        `begin isolation level ${level}; update things set owner = '${level}'; commit`,
      )
      const { rows } = await log.client.query('select json_array_length(rows) as n from change_log')
      expect(rows).to.deep.equal([{ n: 3 }])
    }
  })

  /** The payloads that arrive until the one that ends it, which is sent last. */
  async function heard(write: (writer: Client) => Promise<unknown>, applicationName?: string) {
    const listener = await log.connect()
    await listener.query(`listen ${changesChannel}`)
    const payloads: (string | undefined)[] = []
    const ended = new Promise<void>((resolve) => {
      listener.on('notification', ({ payload }) => {
        payloads.push(payload)
        if (payload === 'end') {
          resolve()
        }
      })
    })
    const writer = await log.connect(applicationName === undefined ? {} : { applicationName })
    await write(writer)
    await writer.query(`notify ${changesChannel}, 'end'`)
    await ended
    return payloads
  }

  it('notifies once for each transaction that changed something', async () => {
    const payloads = await heard(async (writer) => {
      await writer.query(
        `begin; update things set owner = 'a'; delete from things where id = '${thing(3)}'; commit`,
      )
      await writer.query('update things set seen = 1')
      await writer.query(`begin; update things set owner = 'b'; rollback`)
      await writer.query('truncate things')
    })
    expect(payloads).to.deep.equal(['', '', 'end'])
  })

  it('notifies nobody when it is the API, which tells the others itself', async () => {
    const write = (writer: Client) => writer.query(insertThings(50))
    expect(await heard(write, quietApplication)).to.deep.equal(['end'])
    const { rows } = await log.client.query('select relation from change_log')
    expect(rows).to.deep.equal([{ relation: 'things' }])
  })
})
