import {
  BatchSpanProcessor,
  type ReadableSpan,
  type SpanExporter,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace'

/** Bounds of what waits to be sent, by the standard variables `OTEL_BSP_…`. */
export type SpanQueueLimits = {
  readonly waitingMax: number
  readonly batchMax: number
  readonly delayMs: number
  readonly timeoutMs: number
}

/** What became of the spans of a process. */
export type SpanFigures = {
  sentCount: number
  /** The collector refused them, or did not take them in time. */
  failedCount: number
  /** They came while as many as may be were waiting. */
  droppedCount: number
  /** To be sent, or being sent. */
  waitingCount: number
}

/** Sends spans in batches, one after the other, and counts. What is being sent counts as waiting, so a collector that takes
 *  nothing is held no more than `waitingMax` spans, and nobody ever waits for it. */
export class SpanQueue implements SpanProcessor {
  readonly figures: SpanFigures = { sentCount: 0, failedCount: 0, droppedCount: 0, waitingCount: 0 }
  readonly #waitingMax: number
  readonly #batches: BatchSpanProcessor

  constructor(
    exporter: SpanExporter,
    { waitingMax, batchMax, delayMs, timeoutMs }: SpanQueueLimits,
  ) {
    this.#waitingMax = waitingMax
    this.#batches = new BatchSpanProcessor({
      exporter: counted(exporter, this.figures),
      maxQueueSize: waitingMax,
      maxExportBatchSize: Math.min(batchMax, waitingMax),
      scheduledDelayMillis: delayMs,
      exportTimeoutMillis: timeoutMs,
    })
  }

  onStart(): void {}

  onEnd(span: ReadableSpan): void {
    const { figures } = this
    if (figures.waitingCount >= this.#waitingMax) {
      figures.droppedCount += 1
      return
    }
    figures.waitingCount += 1
    this.#batches.onEnd(span)
  }

  async forceFlush(): Promise<void> {
    await this.#batches.forceFlush()
  }

  async shutdown(): Promise<void> {
    await this.#batches.shutdown()
  }
}

function counted(exporter: SpanExporter, figures: SpanFigures): SpanExporter {
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        figures.waitingCount -= spans.length
        figures[result.error ? 'failedCount' : 'sentCount'] += spans.length
        done(result)
      })
    },
    shutdown: () => exporter.shutdown(),
  }
}
