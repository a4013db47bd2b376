import { ProxyTracerProvider, trace, type TracerProvider } from '@opentelemetry/api'
import type { SpanFigures } from './span-queue.ts'

/** What the process was started with: OpenTelemetry keeps it, and hands out a proxy that knows only tracers. */
export function installedProvider(): TracerProvider {
  const global = trace.getTracerProvider()
  return global instanceof ProxyTracerProvider ? global.getDelegate() : global
}

const figuresKey = Symbol.for('tidegate/span-figures')

type Figured = { readonly [figuresKey]: SpanFigures }

const isFigured = (provider: object): provider is Figured => figuresKey in provider

/** Keeps the figures where the provider is kept, so that there is no second thing of which a process has one. */
export function installFigures(figures: SpanFigures): void {
  Object.assign(installedProvider(), { [figuresKey]: figures })
}

/** What became of the spans of this process; undefined where none are sent. */
export function readSpanFigures(): Readonly<SpanFigures> | undefined {
  const provider = installedProvider()
  return isFigured(provider) ? provider[figuresKey] : undefined
}
