import { expect } from 'chai'
import { backends, createBackend } from '../platform/queue/fixture.ts'
import { openTestDatabase } from '../support/database.ts'
import { tryOutbox } from './outbox/scenario.ts'

// In full, with 10,000 events and ten kills: npm run bench -- outbox-relay

for (const kind of backends) {
  describe(`the outbox on ${kind}, whose relay is killed`, () => {
    it('gives each event to its subscriber once in effect, in the order of its aggregate', async function () {
      const place = await createBackend(kind)
      if (!place) {
        this.skip()
      }
      const { db, close } = await openTestDatabase(place.databaseUrl, 10)
      try {
        const outcome = await tryOutbox(db, {
          ...place,
          eventsMin: 400,
          writers: 8,
          aggregates: 20,
          kills: 2,
          seed: 7,
        })
        const { committed, rolledBack, ...faults } = outcome
        expect(committed).to.be.at.least(400)
        expect(rolledBack).to.be.at.least(1)
        expect(faults).to.deep.equal({ missing: [], doubled: [], disordered: [], deadLetters: 0 })
      } finally {
        await close()
      }
    }).timeout(120_000)
  })
}
