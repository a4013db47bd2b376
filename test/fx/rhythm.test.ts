import { expect } from 'chai'
import { isDue, nextDueAt, type Asked } from '../../shared/fx/rhythm.ts'

// 2026-11-26 is a Thursday, the 28th a Saturday.

const bank = { rhythm: { everyMs: 25 * 60_000, window: { opensHour: 14, closesHour: 17 } } }
const hourly = { rhythm: { everyMs: 3_600_000 } }

const asked = (
  status: 'stored' | 'failed' | undefined,
  finishedAt: string,
  newest?: string,
): Asked => ({
  last: status && { status, finishedAt: new Date(finishedAt) },
  newestAsOf: newest === undefined ? undefined : new Date(`${newest}T00:00:00Z`),
})

describe('fx rhythm: when a provider may have something new', () => {
  for (const [says, provider, known, now, stable, reference] of [
    ['nothing was ever asked', bank, asked(undefined, ''), '2026-11-26T03:00Z', true, true],
    [
      'it was hourly and half an hour ago',
      hourly,
      asked('stored', '2026-11-26T09:00Z'),
      '2026-11-26T09:30Z',
      false,
      false,
    ],
    [
      'it was hourly and an hour ago',
      hourly,
      asked('stored', '2026-11-26T09:00Z'),
      '2026-11-26T10:00Z',
      true,
      true,
    ],
    [
      'it failed a minute ago',
      hourly,
      asked('failed', '2026-11-26T09:00Z'),
      '2026-11-26T09:01Z',
      false,
      false,
    ],
    [
      'it failed five minutes ago',
      hourly,
      asked('failed', '2026-11-26T09:00Z'),
      '2026-11-26T09:05Z',
      true,
      true,
    ],
    [
      'the bank has yesterday, before its hours',
      bank,
      asked('stored', '2026-11-25T15:00Z', '2026-11-25'),
      '2026-11-26T13:59Z',
      false,
      false,
    ],
    [
      'the bank has yesterday, in its hours',
      bank,
      asked('stored', '2026-11-25T15:00Z', '2026-11-25'),
      '2026-11-26T14:00Z',
      false,
      true,
    ],
    [
      'the bank was asked in its hours and had nothing yet',
      bank,
      asked('stored', '2026-11-26T14:00Z', '2026-11-25'),
      '2026-11-26T14:20Z',
      false,
      false,
    ],
    [
      'the bank was asked half an hour ago',
      bank,
      asked('stored', '2026-11-26T14:00:01Z', '2026-11-25'),
      '2026-11-26T14:30Z',
      false,
      true,
    ],
    [
      'the bank has today',
      bank,
      asked('stored', '2026-11-26T15:00Z', '2026-11-26'),
      '2026-11-26T15:30Z',
      false,
      false,
    ],
    [
      'its hours ended without today',
      bank,
      asked('failed', '2026-11-26T16:30Z', '2026-11-25'),
      '2026-11-26T17:00Z',
      true,
      true,
    ],
    [
      'its hours ended and it answered without today, as on holidays',
      bank,
      asked('stored', '2026-11-26T16:30Z', '2026-11-25'),
      '2026-11-26T18:00Z',
      false,
      false,
    ],
    [
      'six hours later',
      bank,
      asked('stored', '2026-11-26T16:30Z', '2026-11-25'),
      '2026-11-26T22:30Z',
      true,
      true,
    ],
    [
      'it is Sunday and Friday is there',
      bank,
      asked('stored', '2026-11-20T15:00Z', '2026-11-27'),
      '2026-11-29T15:00Z',
      false,
      false,
    ],
    [
      'it is Saturday and Friday is missing',
      bank,
      asked('stored', '2026-11-26T15:00Z', '2026-11-26'),
      '2026-11-28T09:00Z',
      true,
      true,
    ],
    [
      'it is Monday morning and Friday is there',
      bank,
      asked('stored', '2026-11-27T15:00Z', '2026-11-27'),
      '2026-11-30T09:00Z',
      false,
      false,
    ],
  ] as const) {
    it(`${says}: ${stable ? '' : 'not '}due for rates of now, ${reference ? '' : 'not '}for the reference`, () => {
      const at = (cadence: 'stable' | 'reference') => ({ cadence, now: new Date(now) })
      expect(isDue(provider, known, at('stable'))).to.equal(stable)
      expect(isDue(provider, known, at('reference'))).to.equal(reference)
    })
  }

  it('says when it is asked next', () => {
    const next = (provider: typeof hourly, known: Asked, now: string) =>
      nextDueAt(provider, known, new Date(now))?.toISOString()
    const half = asked('stored', '2026-11-26T09:00Z')
    expect(next(hourly, half, '2026-11-26T09:30Z')).to.equal('2026-11-26T10:00:00.000Z')
    const friday = asked('stored', '2026-11-27T15:00Z', '2026-11-27')
    expect(next(bank, friday, '2026-11-27T18:00Z')).to.equal('2026-11-30T14:00:00.000Z')
  })
})
