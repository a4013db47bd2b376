import type { Clock } from '#platform/clock'
import type { Transaction } from '#platform/database/transaction'
import { OutboxEvent } from '#platform/delivery/outbox-event'
import { traceParent } from '#platform/telemetry/spans'
import { PaymentEvent } from './payment-event.ts'
import type { PaymentLink } from './payment-link.ts'

export type LinkEventType = 'created' | 'updated' | 'opened' | 'requoted' | 'cancelled'

/** Writes down what happened to a link, twice in the same transaction: for its own timeline and for everybody else. */
export function recordEvent(
  tx: Transaction,
  clock: Clock,
  link: PaymentLink,
  { type, payload = {} }: { type: LinkEventType; payload?: Readonly<Record<string, unknown>> },
): void {
  tx.em.create(PaymentEvent, {
    organisationId: link.organisationId,
    paymentLinkId: link.id,
    type,
    payload,
    occurredAt: clock.now(),
  })
  tx.em.create(OutboxEvent, {
    organisationId: link.organisationId,
    topic: `payment-link.${type}`,
    aggregateId: link.id,
    payload: { paymentLinkId: link.id, status: link.status, ...payload },
    traceParent: traceParent() ?? null,
  })
}
