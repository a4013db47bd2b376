import { Category, InventoryItem, Price, Product } from '#catalogue'
import {
  Content,
  ContentLike,
  ContentNeighbours,
  ContentScore,
  ContentTag,
  InboxInteraction,
  Interaction,
  InteractionHour,
  InteractionReceipt,
  InteractionRollup,
  MemberInterest,
  RankedContent,
  RecommendationEvaluation,
  RecommendationModel,
  Tag,
} from '#content'
import { FxBatch, FxQuota, FxRate, FxSnapshot } from '#fx'
import {
  ActivityEntry,
  AdminAnswer,
  AdminToken,
  ApiKey,
  AuditEntry,
  Member,
  MemberRole,
  Organisation,
} from '#members'
import { Asset } from '#money'
import {
  LedgerAccount,
  LedgerBalance,
  LedgerEntry,
  LedgerTransaction,
  PaymentEvent,
  PaymentLink,
  PaymentLinkItem,
  XeroSync,
} from '#payments'
import { DeadLetter } from '#platform/delivery/dead-letter'
import { DeclaredJob } from '#platform/delivery/declared-job'
import { DeclaredSchedule } from '#platform/delivery/declared-schedule'
import { EventDelivery } from '#platform/delivery/event-delivery'
import { IdempotencyKey } from '#platform/delivery/idempotency-key'
import { JobRun } from '#platform/delivery/job-run'
import { OutboxEvent } from '#platform/delivery/outbox-event'
import { FeatureFlag } from '#platform/flags/feature-flag'
import { Baseline } from '#platform/metrics/baseline'
import { Report } from '#platform/reports/report'

/** Every stored shape, in the order of the domains. `openDatabase` is given this list. */
export const entities = [
  Asset,
  Organisation,
  Member,
  MemberRole,
  ApiKey,
  AdminToken,
  AdminAnswer,
  AuditEntry,
  ActivityEntry,
  FxBatch,
  FxQuota,
  FxRate,
  FxSnapshot,
  Category,
  Product,
  Price,
  InventoryItem,
  PaymentLink,
  PaymentLinkItem,
  PaymentEvent,
  LedgerAccount,
  LedgerTransaction,
  LedgerEntry,
  LedgerBalance,
  XeroSync,
  Content,
  Tag,
  ContentTag,
  ContentScore,
  ContentLike,
  Interaction,
  InteractionHour,
  InteractionReceipt,
  InboxInteraction,
  InteractionRollup,
  MemberInterest,
  RankedContent,
  RecommendationModel,
  ContentNeighbours,
  RecommendationEvaluation,
  OutboxEvent,
  EventDelivery,
  IdempotencyKey,
  JobRun,
  DeadLetter,
  DeclaredJob,
  DeclaredSchedule,
  FeatureFlag,
  Report,
  Baseline,
] as const
