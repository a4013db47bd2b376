import { expect } from 'chai'
import { context, ROOT_CONTEXT, SpanKind } from '@opentelemetry/api'
import { SamplingDecision } from '@opentelemetry/sdk-trace'
import type { IncomingMessage } from 'node:http'
import { drawnSampler } from '#platform/telemetry/drawn-sampler'
import { asDrawn, noSampling, samplingOf, type Sampling } from '#platform/telemetry/sampling'
import { drawServerSpan } from '#platform/telemetry/serve-span'

const traceId = 'ffffffff000000000000000000000000' // above every ratio

const answered = { route: '/api/v2/assets', status: 200, startedMs: 0, durationMs: 499 }

describe('which requests are recorded', () => {
  for (const [sampler, ratio, expected] of [
    ['always_on', 0.3, { ratio: 1, isParentBased: false, slowMs: 500 }],
    ['always_off', 0.3, { ratio: 0, isParentBased: false, slowMs: 500 }],
    ['traceidratio', 0.3, { ratio: 0.3, isParentBased: false, slowMs: 500 }],
    ['parentbased_always_on', 0.3, { ratio: 1, isParentBased: true, slowMs: 500 }],
    ['parentbased_always_off', 0.3, { ratio: 0, isParentBased: true, slowMs: 500 }],
    ['parentbased_traceidratio', 0.3, { ratio: 0.3, isParentBased: true, slowMs: 500 }],
  ] as const) {
    it(`is as ${sampler} says`, () => {
      expect(samplingOf(sampler, ratio, 500)).to.deep.equal(expected)
    })
  }

  const decide = (sampling: Sampling, isDrawn: boolean) =>
    drawnSampler(sampling).shouldSample(
      isDrawn ? asDrawn(ROOT_CONTEXT) : ROOT_CONTEXT,
      traceId,
      'GET',
      SpanKind.SERVER,
      {},
      [],
    ).decision

  it('is for certain what was drawn, and by the ratio what was not; the rest waits for its end', () => {
    const sampling = { ratio: 0.05, isParentBased: true, slowMs: 500 }
    expect(decide(sampling, true)).to.equal(SamplingDecision.RECORD_AND_SAMPLED)
    expect(decide(sampling, false)).to.equal(SamplingDecision.RECORD)
    expect(decide({ ...sampling, ratio: 1 }, false)).to.equal(SamplingDecision.RECORD_AND_SAMPLED)
  })

  const isDrawn = (
    flags: string | undefined,
    isParentBased: boolean,
    fraction: number,
    durationMs = 499,
  ) => {
    const traceparent = flags && `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-${flags}`
    const headers = traceparent === undefined ? {} : { traceparent }
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- all that is read of it
    const request = { method: 'GET', headers } as unknown as IncomingMessage
    const sampling = { ratio: 0.05, isParentBased, slowMs: 500 }
    const span = drawServerSpan(request, {
      sampling,
      random: { fraction: () => fraction },
      ...answered,
      durationMs,
    })
    return span !== undefined
  }

  it('is drawn by chance without a caller that decided', () => {
    expect(isDrawn(undefined, true, 0.049)).to.equal(true)
    expect(isDrawn(undefined, true, 0.05)).to.equal(false)
    expect(isDrawn('xx', true, 0.9)).to.equal(false)
  })

  it('is what the caller decided, where callers decide', () => {
    expect(isDrawn('01', true, 0.9)).to.equal(true)
    expect(isDrawn('00', true, 0)).to.equal(false)
    expect(isDrawn('01', false, 0.9)).to.equal(false)
    expect(isDrawn('00', false, 0)).to.equal(true)
  })

  it('is what was slow, whoever decided otherwise', () => {
    expect(isDrawn('00', true, 0.9, 500)).to.equal(true)
    expect(isDrawn(undefined, true, 0.9, 500)).to.equal(true)
  })

  it('is nothing where nothing is sent, however it is drawn', () => {
    const headers = {}
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- all that is read of it
    const request = { method: 'GET', headers } as unknown as IncomingMessage
    const drawing = { sampling: noSampling, random: { fraction: () => 0 }, ...answered }
    expect(drawServerSpan(request, drawing)).to.equal(undefined)
    expect(context.active()).to.equal(ROOT_CONTEXT)
  })
})
