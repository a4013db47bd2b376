import { Money } from './0001-money.ts'
import { Members } from './0002-members.ts'
import { Fx } from './0003-fx.ts'
import { Payments } from './0004-payments.ts'
import { Ledger } from './0005-ledger.ts'
import { Delivery } from './0006-delivery.ts'
import { PerformanceIndexes } from './0007-performance-indexes.ts'
import { Estimates } from './0008-estimates.ts'
import { Catalogue } from './0009-catalogue.ts'
import { Activity } from './0010-activity.ts'
import { MemberLists } from './0011-member-lists.ts'
import { ChangeLog } from './0012-change-log.ts'
import { CacheReplies } from './0013-cache-replies.ts'
import { Jobs } from './0014-jobs.ts'
import { FxQuotas } from './0015-fx-quotas.ts'
import { CacheDemand } from './0016-cache-demand.ts'
import { Housekeeping } from './0017-housekeeping.ts'
import { Content } from './0018-content.ts'
import { JobRunIndexes } from './0020-job-run-indexes.ts'
import { EventDeliveries } from './0021-event-deliveries.ts'
import { Recommendations } from './0030-recommendations.ts'
import { Operators } from './0042-operators.ts'
import { CacheLifetimes } from './0051-cache-lifetimes.ts'
import { Baselines } from './0060-baselines.ts'
import { AuditChain } from './0061-audit-chain.ts'

export { otherReads } from './other-reads.ts'

/** Every migration, oldest first. A landed migration is never edited; the next one corrects it. */
export const migrations = [
  { name: '0001-money', class: Money },
  { name: '0002-members', class: Members },
  { name: '0003-fx', class: Fx },
  { name: '0004-payments', class: Payments },
  { name: '0005-ledger', class: Ledger },
  { name: '0006-delivery', class: Delivery },
  { name: '0007-performance-indexes', class: PerformanceIndexes },
  { name: '0008-estimates', class: Estimates },
  { name: '0009-catalogue', class: Catalogue },
  { name: '0010-activity', class: Activity },
  { name: '0011-member-lists', class: MemberLists },
  { name: '0012-change-log', class: ChangeLog },
  { name: '0013-cache-replies', class: CacheReplies },
  { name: '0014-jobs', class: Jobs },
  { name: '0015-fx-quotas', class: FxQuotas },
  { name: '0016-cache-demand', class: CacheDemand },
  { name: '0017-housekeeping', class: Housekeeping },
  { name: '0018-content', class: Content },
  { name: '0020-job-run-indexes', class: JobRunIndexes },
  { name: '0021-event-deliveries', class: EventDeliveries },
  { name: '0030-recommendations', class: Recommendations },
  { name: '0042-operators', class: Operators },
  { name: '0051-cache-lifetimes', class: CacheLifetimes },
  { name: '0060-baselines', class: Baselines },
  { name: '0061-audit-chain', class: AuditChain },
]
