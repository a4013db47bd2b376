import { expect } from 'chai'
import type { FaultName } from '../bench/consistency/faults.ts'
import { prepare } from '../bench/consistency/installation.ts'
import { run, type Report, type RunOptions } from '../bench/consistency/run.ts'
import { createDatabase, redisUrl } from '../support/servers.ts'

// A few seconds of `npm run bench -- consistency`, on the servers that all specs share: with the faults that touch nobody else.
// That the checker would see it is shown once here, and for every safeguard by `npm run bench -- consistency --safeguards`.

const gentle: readonly FaultName[] = ['followers cut off', 'epoch rotated']

async function check(options: Partial<RunOptions>): Promise<Report> {
  const url = await createDatabase()
  const organisationIds = await prepare(url, true)
  const whole: RunOptions = {
    seed: 7,
    reads: 4_000,
    seconds: 20,
    readsPerSecond: 6_000,
    writesPerSecond: 60,
    faults: [],
    calmMs: 500,
    without: [],
    isFirstEnough: true,
    ...options,
  }
  return run(whole, { url, redisUrl: redisUrl(), servers: undefined, organisationIds })
}

describe('three processes that write and read the same rows', () => {
  it('are given nothing older than what was promised', async () => {
    const { violations, results } = await check({ faults: gentle, isFirstEnough: false })
    expect(violations).to.deep.equal([])
    const sum = (of: 'reads' | 'contested' | 'hits'): number =>
      results.reduce((total, { counts }) => total + counts[of], 0)
    expect(sum('reads')).to.be.at.least(1_000)
    expect(sum('contested')).to.be.at.least(100)
    expect(sum('hits')).to.be.at.least(100)
  }).timeout(120_000)

  it('are seen to be, when a catch-up passes over whoever was still running', async () => {
    const { violations } = await check({ without: ['running'], reads: 100_000 })
    expect(violations).to.not.deep.equal([])
  }).timeout(120_000)
})
