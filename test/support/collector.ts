import { once } from 'node:events'
import { createServer } from 'node:http'

export type CollectedSpan = {
  readonly service: string
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string | undefined
  readonly name: string
  readonly attributes: Readonly<Record<string, unknown>>
  readonly isError: boolean
  /** Nanoseconds, as digits. */
  readonly startedNs: string
  /** The span as it was sent, attributes of its resource left out. */
  readonly text: string
}

export type Collector = {
  readonly url: string
  readonly spans: readonly CollectedSpan[]
  close(): Promise<void>
}

type Value = Readonly<Record<string, unknown>>
type Attribute = { readonly key: string; readonly value: Value }
type Sent = Pick<CollectedSpan, 'traceId' | 'spanId' | 'parentSpanId' | 'name'> & {
  readonly attributes: readonly Attribute[]
  readonly startTimeUnixNano: string
  readonly status: { readonly code?: number }
}
type Export = {
  readonly resourceSpans?: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] }
    readonly scopeSpans: readonly {
      readonly spans: readonly Sent[]
    }[]
  }[]
}

/** STATUS_CODE_ERROR of OTLP. */
const errorCode = 2

/** A collector that takes OTLP over HTTP as JSON and keeps every span. */
export async function startCollector(): Promise<Collector> {
  const spans: CollectedSpan[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      spans.push(...flatten(JSON.parse(Buffer.concat(chunks).toString('utf8'))))
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  return {
    url: `http://127.0.0.1:${port}`,
    spans,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

function flatten({ resourceSpans = [] }: Export): CollectedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const service = String(toRecord(resource.attributes)['service.name'])
    return scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => {
        const { traceId, spanId, parentSpanId, name } = span
        return {
          service,
          traceId,
          spanId,
          parentSpanId,
          name,
          attributes: toRecord(span.attributes),
          isError: span.status.code === errorCode,
          startedNs: span.startTimeUnixNano,
          text: JSON.stringify(span),
        }
      }),
    )
  })
}

function toRecord(attributes: readonly Attribute[]): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]))
}
