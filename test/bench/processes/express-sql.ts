import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { Pool } from 'pg'
import { answerParent } from '../forked.ts'
import { handWritten, present } from '../page-by-hand.ts'
import { loadRival } from '../races/contender.ts'

// The API that most teams write: Express, a pool, SQL by hand, JSON.stringify. No key is checked and nothing is cached.

export type SqlSetup = {
  readonly url: string
  readonly organisationId: string
  readonly limit: number
}

process.env['NODE_ENV'] = 'production' // before Express looks

answerParent(async ({ url, organisationId, limit }: SqlSetup) => {
  const pool = new Pool({ connectionString: url, max: 10 })
  const { default: createExpress } = await loadRival('express')
  const app = createExpress()
  const text = handWritten(limit)
  app.get('/api/v2/payment-links', async (_request: unknown, response: any) => {
    const { rows } = await pool.query({ name: 'page', text, values: [organisationId] })
    response.json({ data: rows.slice(0, limit).map(present) })
  })
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    answer: async () => (server.address() as AddressInfo).port,
    async close() {
      server.closeAllConnections()
      server.close()
      await pool.end()
    },
  }
})
