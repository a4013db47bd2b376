import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  createAlwaysRecordSampler,
  ParentBasedSampler,
  SamplingDecision,
  TraceIdRatioBasedSampler,
  type Sampler,
} from '@opentelemetry/sdk-trace'
import { isDrawn, type Sampling } from './sampling.ts'

/** Chooses what was drawn before its span was made, and decides about the rest as the standard samplers do. The edge draws
 *  first: a span that is not recorded costs as much as the whole answer. What is not chosen is recorded all the same, since it
 *  is sent when it fails or is slow (kept-spans.ts). */
export function drawnSampler({ ratio, isParentBased }: Sampling): Sampler {
  const root = rootSampler(ratio)
  const sampler = isParentBased ? new ParentBasedSampler({ root }) : root
  return createAlwaysRecordSampler({
    shouldSample: (context, ...rest) =>
      isDrawn(context)
        ? { decision: SamplingDecision.RECORD_AND_SAMPLED }
        : sampler.shouldSample(context, ...rest),
    toString: () => `Drawn{${sampler.toString()}}`,
  })
}

function rootSampler(ratio: number): Sampler {
  if (ratio >= 1) {
    return new AlwaysOnSampler()
  }
  return ratio <= 0 ? new AlwaysOffSampler() : new TraceIdRatioBasedSampler(ratio)
}
