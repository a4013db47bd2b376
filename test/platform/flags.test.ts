import { expect } from 'chai'
import { isEnabled, type FlagRule } from '#platform/flags/flags'
import { createSeededRandom } from '../support/seeded-random.ts'

describe('flags', () => {
  const flag = 'cursor-pagination'
  const random = createSeededRandom()
  const organisations = Array.from({ length: 4_000 }, () => ({ organisationId: random.uuid() }))
  const forAll = (percentage: number): FlagRule[] => [
    { name: flag, organisationId: null, percentage },
  ]
  const among = (percentage: number) =>
    organisations.filter((one) => isEnabled(forAll(percentage), flag, one))

  it('are on without a rule, and whatever another flag says', () => {
    const [one = { organisationId: '' }] = organisations
    expect(isEnabled([], flag, one)).to.equal(true)
    const other = { name: 'other', organisationId: null, percentage: 0 }
    expect(isEnabled([other], flag, one)).to.equal(true)
  })

  it('are on for nobody at 0 and for everybody at 100', () => {
    expect(among(0)).to.have.length(0)
    expect(among(100)).to.have.length(organisations.length)
  })

  it('are on for about the share that is asked for', () => {
    for (const percentage of [1, 10, 50, 90]) {
      const spread = 4 * Math.sqrt((percentage * (100 - percentage)) / organisations.length)
      expect((100 * among(percentage).length) / organisations.length).to.be.closeTo(
        percentage,
        spread,
      )
    }
  })

  it('keep whom they have when the share grows, and are drawn the same each time', () => {
    const few = among(10)
    expect(among(10)).to.deep.equal(few)
    expect(among(30)).to.include.members(few)
  })

  it('know members apart where one is named', () => {
    const [one = { organisationId: '' }] = organisations
    const members = Array.from({ length: 200 }, () => ({ ...one, memberId: random.uuid() }))
    const on = members.filter((member) => isEnabled(forAll(50), flag, member))
    expect(on.length).to.be.within(60, 140)
  })

  it('obey what was decided for the organisation before the share of all', () => {
    const [one = { organisationId: '' }, other = one] = organisations
    const rules = (percentage: number, own: number): FlagRule[] => [
      ...forAll(percentage),
      { name: flag, ...one, percentage: own },
    ]
    expect(isEnabled(rules(0, 100), flag, one)).to.equal(true)
    expect(isEnabled(rules(0, 100), flag, other)).to.equal(false)
    expect(isEnabled(rules(100, 0), flag, one)).to.equal(false)
    expect(isEnabled(rules(100, 0), flag, other)).to.equal(true)
  })
})
