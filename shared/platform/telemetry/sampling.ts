import { createContextKey, type Context } from '@opentelemetry/api'

/** Which requests are recorded: of those about which nobody has decided before, this share (0..1). */
export type Sampling = {
  readonly ratio: number
  /** Whether the decision of the caller, in its `traceparent`, goes before. */
  readonly isParentBased: boolean
  /** A request that takes as long is sent whatever was decided. */
  readonly slowMs: number
}

/** What the standard variables of OpenTelemetry say.
 *  @param sampler a value of OTEL_TRACES_SAMPLER
 *  @param ratio OTEL_TRACES_SAMPLER_ARG, used by the samplers by ratio
 *  @param slowMs TRACES_SLOW_MS */
export function samplingOf(sampler: string, ratio: number, slowMs: number): Sampling {
  const isByRatio = sampler.endsWith('traceidratio')
  return {
    ratio: isByRatio ? ratio : sampler.endsWith('always_off') ? 0 : 1,
    isParentBased: sampler.startsWith('parentbased_'),
    slowMs,
  }
}

/** Of nothing. */
export const noSampling: Sampling = { ratio: 0, isParentBased: true, slowMs: Infinity }

const drawnKey = createContextKey('tidegate/drawn')

/** The context of a root span that was drawn before there was a trace id: it is recorded for certain. */
export function asDrawn(context: Context): Context {
  return context.setValue(drawnKey, true)
}

/** Whether a span below the context was drawn already. */
export function isDrawn(context: Context): boolean {
  return context.getValue(drawnKey) === true
}
