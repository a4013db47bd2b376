import { expect } from 'chai'
import { readFileSync } from 'node:fs'
import type { Cadence } from '#platform/queue/schedule'
import { jobs } from '../../worker/jobs.ts'
import { schedules } from '../../worker/schedules.ts'

/** Hours and minutes where it comes out even, else seconds; cron patterns as they are. */
function words(cadence: Cadence): string {
  if ('cron' in cadence) {
    return `\`${cadence.cron}\``
  }
  const seconds = cadence.everyMs / 1000
  const [count, unit] =
    seconds % 3600 === 0
      ? [seconds / 3600, 'h']
      : seconds % 60 === 0
        ? [seconds / 60, 'min']
        : [seconds, 's']
  return `every ${count} ${unit}`
}

describe('the schedules', () => {
  it('are those of the table in README, "What happens by itself", each with its cadence', () => {
    const [, section = ''] =
      /^## What happens by itself\n(.*?)^## /ms.exec(readFileSync('README.md', 'utf8')) ?? []
    const written = [...section.matchAll(/^\| `([\w-]+)` +\| (\S.*?) +\| \S.* \|$/gm)].map(
      ([, id, cadence]) => `${id}: ${cadence}`,
    )
    const actual = schedules.map(({ id, cadence }) => `${id}: ${words(cadence)}`)
    const missing = actual.filter((one) => !written.includes(one))
    const surplus = written.filter((one) => !actual.includes(one))
    expect({ missing, surplus }, 'README, "What happens by itself"').to.deep.equal({
      missing: [],
      surplus: [],
    })
  })

  it('have ids of their own and run jobs that this process runs', () => {
    expect(new Set(schedules.map(({ id }) => id)).size).to.equal(schedules.length)
    const names = jobs.map(({ name }) => name)
    expect(names).to.include.members(schedules.map(({ job }) => job.name))
  })
})
