import { sqlState } from '#platform/database/transaction'
import { Problem } from '#platform/problem'
import { CommandError } from './command-error.ts'

/** What happened, why, and what to do: three lines that name no password.
 *  @param what the sentence that opens the report when the error does not explain itself */
export function explainFailure(what: string, error: unknown): string {
  if (error instanceof CommandError) {
    return error.message
  }
  const why = reason(error).replaceAll(/:\/\/[^@\s]*@/g, '://…@')
  return `${what}\nwhy: ${why}\nfix: ${remedy(why, error)}`
}

function remedy(why: string, error: unknown): string {
  if (error instanceof Problem) {
    return error.type.advice
  }
  if (why.includes('ECONNREFUSED') || why.includes('ENOTFOUND')) {
    return 'start the database (npm start runs the embedded one) or correct DATABASE_URL'
  }
  const state = sqlState(error)
  if (state === '55P03') {
    return 'another session holds a lock on the table; end it (pg_stat_activity) or run the command again later'
  }
  if (state === '42P01' || state === '42883') {
    return 'the schema is missing or too old: npm run migrate -- up, then run the command again'
  }
  return 'mend the cause and run the command again; what was applied before stays, npm run migrate -- status shows it'
}

function reason(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) {
    return error.errors.map(reason).join('; ')
  }
  return error instanceof Error ? error.message : String(error)
}
