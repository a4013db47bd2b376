import { hash } from 'node:crypto'
import {
  claimAnswer,
  keepAnswer,
  recordAudit,
  releaseAnswer,
  type Admin,
  type AdminAttempt,
  type AuditRecord,
} from '#members'
import { transaction, type Transaction } from '#platform/database/transaction'
import { currentTraceId } from '#platform/telemetry/spans'
import { storableJson } from './storable-json.ts'
import type { AdminSlice } from './trpc.ts'

/** What a procedure knows of its change beside the input. */
export type AuditFacts = {
  /** In place of the input as it was sent, where that may hold what is nobody's business. */
  readonly input?: unknown
  readonly before?: unknown
  readonly after?: unknown
  readonly organisationId?: string | undefined
}

/** What a mutation writes its record with. */
export type Audit = {
  /** Adds to the record. */
  note(facts: AuditFacts): void
  /** Changes the database, and writes the record and the answer to the caller's key in the same transaction. What `work`
   *  returns is what the mutation answers. To be called once. */
  change<T>(work: (tx: Transaction) => Promise<T>): Promise<T>
}

/** One call of a mutation. */
export type AuditedCall = {
  readonly admin: Admin
  readonly procedure: string
  readonly input: unknown
  readonly reason: string | undefined
  /** The caller's key, if there is one. */
  readonly key: string | undefined
  /** Fields of input and answer that are never stored. */
  readonly secrets: readonly string[]
}

type Result = { readonly ok: true; readonly data: unknown } | { readonly ok: false; error: Coded }
type Coded = { readonly code: string }

/** How many deadlines a key is blocked for when the process that had it ended: work may go on after its deadline. */
const lockDeadlines = 4

/**
 * Runs a mutation so that it is written down whatever becomes of it, and done once for each key. A change of the database
 * alone is one transaction with its record; what goes elsewhere (queues, providers) is written down right after it ended,
 * also when that is after the deadline. A record that cannot be written fails the call and stands in the log instead.
 * @returns what was answered to the same key before, or what `run` came to
 */
export async function audited<R extends Result>(
  slice: AdminSlice,
  call: AuditedCall,
  run: (audit: Audit) => Promise<R>,
): Promise<{ readonly replay: unknown } | { readonly result: R }> {
  const attempt = attemptOf(call)
  const { db, deadlineMs } = slice
  const kept = attempt && (await claimAnswer(db, attempt, lockDeadlines * deadlineMs))
  if (kept !== undefined) {
    return { replay: JSON.parse(kept) }
  }
  let facts: AuditFacts = {}
  let isWritten = false
  const record = (outcome: Outcome): AuditRecord => ({ ...recordOf(call, facts), ...outcome })
  const answerOf = (data: unknown): string => storableJson(data, call.secrets)
  const result = await run({
    note: (more) => void (facts = { ...facts, ...more }),
    async change(work) {
      const answer = await transaction(slice, async (tx) => {
        const value = await work(tx)
        await recordAudit(tx, record({ outcome: 'done' }))
        if (attempt) {
          await keepAnswer(tx, attempt, answerOf(value))
        }
        return value
      })
      isWritten = true
      return answer
    },
  })
  if (!isWritten) {
    await writeAfterwards(slice, record(outcomeOf(result)))
    if (attempt) {
      await (result.ok
        ? keepAnswer(db, attempt, answerOf(result.data))
        : releaseAnswer(db, attempt))
    }
  }
  return { result }
}

type Outcome = Pick<AuditRecord, 'outcome' | 'error'>

const outcomeOf = (result: Result): Outcome =>
  result.ok ? { outcome: 'done' } : { outcome: 'failed', error: result.error.code }

async function writeAfterwards({ db, log }: AdminSlice, record: AuditRecord): Promise<void> {
  try {
    await recordAudit(db, record)
  } catch (error) {
    log.error({ err: error, record }, 'what an operator did could not be written down')
    throw new Error('the record of a mutation could not be written', { cause: error })
  }
}

function recordOf(call: AuditedCall, facts: AuditFacts): Omit<AuditRecord, 'outcome'> {
  const { admin, procedure, reason, key, secrets } = call
  const { organisationId, before, after } = facts
  const traceId = currentTraceId()
  return {
    tokenId: admin.tokenId,
    actor: admin.name,
    procedure,
    input: storableJson('input' in facts ? facts.input : call.input, secrets),
    ...(organisationId !== undefined && { organisationId }),
    ...(before !== undefined && { before: storableJson(before, secrets) }),
    ...(after !== undefined && { after: storableJson(after, secrets) }),
    ...(reason !== undefined && { reason }),
    ...(key !== undefined && { idempotencyKey: key }),
    ...(traceId !== undefined && { traceId }),
  }
}

function attemptOf({ admin, procedure, input, key }: AuditedCall): AdminAttempt | undefined {
  if (key === undefined) {
    return undefined
  }
  const requestHash = hash('sha256', JSON.stringify(input) ?? '', 'buffer')
  return { tokenId: admin.tokenId, procedure, key, requestHash }
}
