import { expect } from 'chai'
import { backends, createBackend } from '../platform/queue/fixture.ts'
import { freezeRounds, killRounds } from './workers/scenario.ts'

// In full, with a hundred rounds: npm run bench -- worker-kills

for (const kind of backends) {
  describe(`workers on ${kind}`, () => {
    it('that are killed at any moment leave every effect there once', async function () {
      const place = (await createBackend(kind)) ?? this.skip()
      const outcome = await killRounds(place, { rounds: 3, seed: 11 })
      expect(outcome).to.deep.equal({ jobs: 12, missing: [], doubled: [], deadLetters: 0 })
    }).timeout(120_000)

    it('that were frozen until others took their jobs do no second effect when they thaw', async function () {
      const place = (await createBackend(kind)) ?? this.skip()
      const outcome = await freezeRounds(place, 1)
      expect(outcome).to.deep.equal({ jobs: 3, missing: [], doubled: [], deadLetters: 0 })
    }).timeout(120_000)
  })
}
