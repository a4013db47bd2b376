import { expect } from 'chai'
import {
  context,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Span,
} from '@opentelemetry/api'
import {
  InMemorySpanExporter,
  SimpleSpanProcessor,
  TracerProvider,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace'
import { drawnSampler } from '#platform/telemetry/drawn-sampler'
import { KeptSpans } from '#platform/telemetry/kept-spans'

describe('which spans of what was not drawn are sent', () => {
  const slowMs = 500
  let sent: InMemorySpanExporter
  let start: (name: string, parent?: Span, kind?: SpanKind, startTime?: number) => Span
  beforeEach(() => {
    sent = new InMemorySpanExporter()
    const provider = new TracerProvider({
      sampler: drawnSampler({ ratio: 0, isParentBased: true, slowMs }),
      spanProcessors: [new KeptSpans(new SimpleSpanProcessor({ exporter: sent }), slowMs)],
    })
    const tracer = provider.getTracer('test')
    start = (name, parent, kind = SpanKind.INTERNAL, startTime) =>
      tracer.startSpan(
        name,
        { kind, ...(startTime !== undefined && { startTime }) },
        parent ? trace.setSpan(ROOT_CONTEXT, parent) : ROOT_CONTEXT,
      )
  })

  const names = () => sent.getFinishedSpans().map(({ name }) => name)
  const fail = (span: Span) => {
    span.setStatus({ code: SpanStatusCode.ERROR, message: `no "greta@harbour.example"` })
    span.end()
  }

  it('are all, children first, when one of them failed', () => {
    const root = start('root')
    const child = start('child', root)
    start('grandchild', child).end()
    fail(child)
    expect(names()).to.deep.equal([])
    root.end()
    expect(names()).to.deep.equal(['grandchild', 'child', 'root'])
    expect(sent.getFinishedSpans().map((span) => span.spanContext().traceFlags)).to.deep.equal([
      1, 1, 1,
    ])
  })

  it('are none when all went well, also of what ends later', () => {
    const root = start('root')
    const late = start('late', root)
    root.end()
    late.end()
    expect(names()).to.deep.equal([])
  })

  it('are all that end later, too, where one failed', () => {
    const root = start('root')
    const late = start('late', root)
    fail(root)
    late.end()
    expect(names()).to.deep.equal(['root', 'late'])
  })

  it('are those of a request that took as long as slow ones do, and not of a job', () => {
    for (const kind of [SpanKind.SERVER, SpanKind.CONSUMER]) {
      for (const ms of [slowMs, slowMs - 1]) {
        start(`${SpanKind[kind]} ${ms}`, undefined, kind, 1e12).end(1e12 + ms)
      }
    }
    expect(names()).to.deep.equal(['SERVER 500'])
  })

  it('belong to their own piece of work alone', () => {
    const [failing, other] = [start('failing'), start('other')]
    start('child of other', other).end()
    fail(failing)
    other.end()
    expect(names()).to.deep.equal(['failing'])
  })

  it('are at most the newest 256 of one, so that none is without its parent', () => {
    const root = start('root')
    for (let count = 1; count <= 1000; count += 1) {
      start(String(count), root).end()
    }
    fail(root)
    expect(sent.getFinishedSpans()).to.have.length(257)
    expect(names().slice(0, 2)).to.deep.equal(['745', '746'])
  })

  it('are at most 4096 of all that are open, and there is room again when one ends', () => {
    const open = Array.from({ length: 32 }, (_, index) => start(`open ${index}`))
    for (const root of open) {
      for (let count = 0; count < 200; count += 1) {
        start('child', root).end()
      }
    }
    open.forEach(fail)
    expect(sent.getFinishedSpans()).to.have.length(4096 + 32)
    sent.reset()
    const next = start('next')
    start('child', next).end()
    fail(next)
    expect(names()).to.deep.equal(['child', 'next'])
  })

  it('say nothing of what an error said', () => {
    const span = start('root')
    span.recordException(new TypeError(`no "greta@harbour.example"`))
    span.addEvent('job completed', { 'bullmq.job.result': 'greta@harbour.example' })
    fail(span)
    const [only] = sent.getFinishedSpans() as [ReadableSpan]
    expect(only.status).to.deep.equal({ code: SpanStatusCode.ERROR })
    const events = only.events.map(({ name, attributes }) => ({ name, attributes }))
    expect(events).to.deep.equal([
      { name: 'exception', attributes: { 'exception.type': 'TypeError' } },
      { name: 'job completed', attributes: {} },
    ])
    expect(context.active()).to.equal(ROOT_CONTEXT)
  })
})
