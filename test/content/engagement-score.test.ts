import { expect } from 'chai'
import * as fc from 'fast-check'
import { Client } from 'pg'
import { explainScore, type EngagementCounts } from '#content'
import { createDatabase } from '../support/servers.ts'

type Ages = { readonly ageHours: number; readonly halfLifeHours: number }

const count = fc.oneof(
  fc.nat(3),
  fc.nat(10_000),
  fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
)
const counts = fc.record({
  views: count,
  likes: count,
  comments: count,
  shares: count,
  purchases: count,
})
const ages = fc.record({
  ageHours: fc.oneof(
    fc.double({ min: 0, max: 200, noNaN: true }),
    fc.double({ min: -1e6, max: 1e9, noNaN: true }),
  ),
  halfLifeHours: fc.double({ min: 1, max: 876_000, noNaN: true }),
})
/** What a counter grows by, seen from its size: below that a double cannot tell. */
const few = (one: number) => Math.max(1, Math.ceil(one / 1e6))

describe('the score of a content', () => {
  let client: Client
  before(async () => {
    client = new Client({ connectionString: await createDatabase() })
    await client.connect()
  })
  after(() => client.end())

  async function stored(
    rows: readonly (readonly [EngagementCounts, Ages])[],
  ): Promise<readonly { engagement: number; trending: number }[]> {
    const asked = rows.map(([each, age]) => ({ ...each, ...age }))
    const { rows: found } = await client.query(
      `select engagement_score(views, likes, comments, shares, purchases, "ageHours", "halfLifeHours") as engagement,
              trending_score(views, likes, comments, shares, purchases, "ageHours") as trending
         from json_to_recordset($1) as asked (views bigint, likes bigint, comments bigint, shares bigint, purchases bigint,
                                              "ageHours" float8, "halfLifeHours" float8)`,
      [JSON.stringify(asked)],
    )
    return found
  }
  const scoresOf = (one: EngagementCounts, age: Ages) => {
    const { engagementScore, trendingScore, ...steps } = explainScore(one, age)
    return { engagementScore, trendingScore, steps }
  }

  it('is the same in SQL as in TypeScript', async () => {
    const cases = fc.sample(fc.tuple(counts, ages), { numRuns: 2_000, seed: 7 })
    const found = await stored(cases)
    for (const [index, [one, age]] of cases.entries()) {
      const { engagementScore, trendingScore } = scoresOf(one, age)
      const row = found[index]
      expect(row?.engagement).to.be.closeTo(engagementScore, 1e-12 * (1 + engagementScore))
      expect(row?.trending).to.be.closeTo(trendingScore, 1e-9 * (1 + trendingScore))
    }
  })

  it('is from 0 to 1, and never NaN, whatever was counted and however old', async () => {
    const worst = { views: 0, likes: -5, comments: 0, shares: 0, purchases: 0 }
    const odd: (readonly [EngagementCounts, Ages])[] = [
      [worst, { ageHours: 0, halfLifeHours: 72 }],
      [
        { ...worst, views: 3 },
        { ageHours: -1e300, halfLifeHours: 72 },
      ],
      [
        { ...worst, purchases: 2 ** 53 },
        { ageHours: 1e300, halfLifeHours: 1 },
      ],
      [
        { ...worst, purchases: 2 ** 53 },
        { ageHours: Infinity, halfLifeHours: 1 },
      ],
    ]
    const cases = [...odd, ...fc.sample(fc.tuple(counts, ages), { numRuns: 2_000, seed: 11 })]
    const finite = cases.filter(([, { ageHours }]) => Number.isFinite(ageHours))
    for (const { engagement, trending } of await stored(finite)) {
      expect(engagement).to.be.within(0, 1)
      expect(trending).to.be.within(0, Number.MAX_VALUE)
    }
    for (const [one, age] of cases) {
      const { engagementScore, trendingScore } = scoresOf(one, age)
      expect(engagementScore).to.be.within(0, 1)
      expect(trendingScore).to.be.within(0, Number.MAX_VALUE)
    }
  })

  it('rises with every like, comment, share and purchase', () => {
    const kinds = fc.constantFrom('likes', 'comments', 'shares', 'purchases')
    fc.assert(
      fc.property(counts, kinds, (one, kind) => {
        const more = { ...one, [kind]: one[kind] + few(one[kind]) }
        const young = { ageHours: 0, halfLifeHours: 72 }
        const [before, after] = [scoresOf(one, young), scoresOf(more, young)]
        expect(after.engagementScore).to.be.at.least(before.engagementScore)
        expect(after.trendingScore).to.be.at.least(before.trendingScore)
        if (before.steps.raw < 1e6) {
          expect(after.engagementScore).to.be.above(before.engagementScore)
        }
      }),
      { numRuns: 2_000, seed: 3 },
    )
  })

  it('rises with views that tell nothing else, and with all that is done in the same proportions', () => {
    fc.assert(
      fc.property(counts, fc.integer({ min: 2, max: 50 }), (one, times) => {
        const seen = { views: one.views, likes: 0, comments: 0, shares: 0, purchases: 0 }
        const young = { ageHours: 0, halfLifeHours: 72 }
        const more = { ...seen, views: seen.views + few(seen.views) }
        expect(scoresOf(more, young).engagementScore).to.be.at.least(
          scoresOf(seen, young).engagementScore,
        )
        const grown = {
          views: one.views * times,
          likes: one.likes * times,
          comments: one.comments * times,
          shares: one.shares * times,
          purchases: one.purchases * times,
        }
        expect(scoresOf(grown, young).engagementScore).to.be.at.least(
          scoresOf(one, young).engagementScore,
        )
      }),
      { numRuns: 2_000, seed: 5 },
    )
  })

  it('falls with age: halved by every half-life', () => {
    fc.assert(
      fc.property(
        counts,
        ages,
        fc.double({ min: 0.1, max: 1e4, noNaN: true }),
        (one, age, later) => {
          const old = { ...age, ageHours: Math.max(age.ageHours, 0) + later }
          expect(scoresOf(one, old).engagementScore).to.be.at.most(
            scoresOf(one, age).engagementScore,
          )
          expect(scoresOf(one, old).trendingScore).to.be.at.most(scoresOf(one, age).trendingScore)
        },
      ),
      { numRuns: 2_000, seed: 13 },
    )
    const liked = { views: 100, likes: 9, comments: 3, shares: 1, purchases: 2 }
    const at = (ageHours: number) => scoresOf(liked, { ageHours, halfLifeHours: 72 })
    expect(at(72).engagementScore).to.be.closeTo(at(0).engagementScore / 2, 1e-15)
    expect(at(144).engagementScore).to.be.closeTo(at(0).engagementScore / 4, 1e-15)
  })

  it('is halved in 72 hours, unless the organisation says otherwise, in bounds', async () => {
    const { rows } = await client.query(
      `select engagement_half_life_hours(settings::jsonb) as hours from unnest($1::text[]) with ordinality as s (settings, n)
        order by n`,
      [
        [
          '{}',
          '{"engagement":{"halfLifeHours":24}}',
          '{"engagement":{"halfLifeHours":0}}',
          '{"engagement":{"halfLifeHours":1e12}}',
          '{"engagement":{"halfLifeHours":"soon"}}',
          '{"engagement":7}',
        ],
      ],
    )
    expect(rows.map(({ hours }) => hours)).to.deep.equal([72, 24, 1, 876_000, 72, 72])
  })
})
