import type { CollectedSpan } from './collector.ts'

/** Spans that name a parent which did not arrive, though it is a span of ours. */
export function orphansOf(
  spans: readonly CollectedSpan[],
  callerSpanId?: string,
): readonly CollectedSpan[] {
  const known = new Set(spans.map(({ spanId }) => spanId))
  return spans.filter(
    ({ parentSpanId }) =>
      parentSpanId !== undefined && parentSpanId !== callerSpanId && !known.has(parentSpanId),
  )
}

/** The spans as lines, each below its parent and to the right of it, in the order in which they began. */
export function drawTree(spans: readonly CollectedSpan[]): readonly string[] {
  const known = new Set(spans.map(({ spanId }) => spanId))
  const below = (spanId: string, depth: number): string[] =>
    spans
      .filter(({ parentSpanId }) => parentSpanId === spanId)
      .toSorted(byStart)
      .flatMap((span) => [line(span, depth), ...below(span.spanId, depth + 1)])
  return spans
    .filter(({ parentSpanId }) => parentSpanId === undefined || !known.has(parentSpanId))
    .toSorted(byStart)
    .flatMap((root) => [line(root, 0), ...below(root.spanId, 1)])
}

const line = ({ service, name }: CollectedSpan, depth: number): string =>
  `${'  '.repeat(depth)}${service} ${name}`

const byStart = (one: CollectedSpan, other: CollectedSpan): number =>
  BigInt(one.startedNs) < BigInt(other.startedNs) ? -1 : 1

/** What the spans said to PostgreSQL and Redis, a line for each. */
export const statementsOf = (spans: readonly CollectedSpan[]): string =>
  spans
    .filter(({ attributes }) => 'db.query.text' in attributes)
    .map(({ attributes }) => String(attributes['db.query.text']))
    .join('\n')
