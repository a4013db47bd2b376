import { startForked } from '../forked.ts'
import type { Options, Told } from '../options.ts'
import { median, quantile } from '../quantile.ts'
import type { Findings } from '../report.ts'
import type { LoadAnswer, LoadQuestion, LoadSetup } from '../processes/http-load.ts'
import { fetchAnswer, requestText, type Asked, type WireAnswer } from './answer.ts'
import { cpuBetween, cpuOf, pinServer, treeOf } from './processors.ts'
import type { Server } from './server.ts'

/** A server and what it is asked. */
export type Contestant = {
  readonly name: string
  readonly server: Server
  readonly asked: Asked
  /** What it must answer; checked once byte for byte, then by status and length. */
  readonly expected: Pick<WireAnswer, 'status' | 'body'>
}

/** What every contest may be told. */
export const contestOptions: Options = {
  rounds: ['11', 'in which all take one turn'],
  requests: ['5000', 'in each turn'],
  'warm-up': ['20000', 'requests before the first round'],
  connections: ['16', 'kept open, one request at a time on each'],
}

/** Of one contestant; medians of the rounds. Wall figures say what this machine was doing; CPU is what a request costs. */
export type Score = {
  readonly cpuUs: number
  /** The middle half of the rounds. */
  readonly cpuUsLow: number
  readonly cpuUsHigh: number
  readonly requestsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Of the one processor that it has. Below 1 it waited for the load. */
  readonly busyShare: number
}

type Round = LoadAnswer & { readonly cpuUs: number; readonly busyShare: number }

/** Has all of them answer, one at a time, in rounds that each begin with another one. */
export async function compete(
  contestants: readonly Contestant[],
  told: Told,
  /** What works for the servers and is to be counted with them. */
  helpers: readonly number[] = [],
): Promise<Scores> {
  const [rounds, requests] = [told.number('rounds'), told.number('requests')]
  await Promise.all(contestants.map(checkBytes))
  contestants.forEach(({ server }) => pinServer(server.pid))
  const setup: LoadSetup = { connections: told.number('connections') }
  const load = startForked<LoadQuestion, LoadAnswer>('http-load', setup)
  const seen = new Map(contestants.map(({ name }) => [name, new Array<Round>()]))
  const take = (contestant: Contestant, count: number) => turn(load, contestant, { count, helpers })
  for (const contestant of contestants) {
    await take(contestant, told.number('warm-up'))
  }
  for (let round = 0; round < rounds; round += 1) {
    const at = round % contestants.length
    for (const contestant of [...contestants.slice(at), ...contestants.slice(0, at)]) {
      seen.get(contestant.name)?.push(await take(contestant, requests))
    }
  }
  await load.stop()
  return Object.fromEntries([...seen].map(([name, all]) => [name, score(all, requests)]))
}

/** @throws {Error} when it does not answer with the bytes that all are to answer with */
async function checkBytes({ name, server, asked, expected }: Contestant): Promise<void> {
  const { status, body } = await fetchAnswer(server.port, asked)
  if (status !== expected.status || !body.equals(expected.body)) {
    throw new Error(`${name} answers ${status} with ${body.length} bytes that are not the others'`)
  }
}

async function turn(
  load: { ask(question: LoadQuestion): Promise<LoadAnswer> },
  { server, asked, expected: { status, body } }: Contestant,
  { count, helpers }: { readonly count: number; readonly helpers: readonly number[] },
): Promise<Round> {
  const expects = { status, bodyBytes: status === 304 ? undefined : body.length }
  await load.ask({ kind: 'open', port: server.port, request: requestText(asked), expects })
  const [own, all] = [treeOf(server.pid), helpers.flatMap(treeOf)]
  const before = [cpuOf(own), cpuOf(all)] as const
  const answer = await load.ask({ kind: 'run', count })
  const spent = cpuBetween(before[0], cpuOf(own))
  const helped = cpuBetween(before[1], cpuOf(all))
  await load.ask({ kind: 'close' })
  const busyShare = spent / (answer.seconds * 1e6)
  return { ...answer, cpuUs: (spent + helped) / count, busyShare }
}

function score(rounds: readonly Round[], requests: number): Score {
  const cpu = rounds.map((one) => one.cpuUs)
  const middle = (of: (round: Round) => number): number => median(rounds.map(of))
  return {
    cpuUs: median(cpu),
    cpuUsLow: quantile(cpu, 0.25),
    cpuUsHigh: quantile(cpu, 0.75),
    requestsPerSecond: requests / middle(({ seconds }) => seconds),
    p50Ms: middle(({ p50Ms }) => p50Ms),
    p99Ms: middle(({ p99Ms }) => p99Ms),
    busyShare: middle(({ busyShare }) => busyShare),
  }
}

type Scores = Readonly<Record<string, Score>>

/** How many times the CPU of the second the first one used. */
export const ratioOf = (scores: Scores, one: string, other: string): number =>
  (scores[one]?.cpuUs ?? Number.NaN) / (scores[other]?.cpuUs ?? Number.NaN)

/** Says whether a promise about CPU is kept; nothing of a rival that was left out. */
export function printPromise(
  scores: Scores,
  [one, other]: readonly [string, string],
  most: number,
): void {
  const ratio = ratioOf(scores, one, other)
  if (!Number.isNaN(ratio)) {
    console.log(
      `${one}: ${ratio.toFixed(2)} x ${other}, at most ${most} promised: ${ratio <= most ? 'met' : 'MISSED'}`,
    )
  }
}

/** One line for each contestant, CPU against that of `against`. */
export function printScores(scores: Scores, against: string): Findings {
  const base = scores[against]?.cpuUs ?? Number.NaN
  const heads = ['CPU/request', 'middle half', 'ratio', 'requests/s', 'p50 ms', 'p99 ms', 'busy']
  printRow('', heads)
  for (const [name, one] of Object.entries(scores)) {
    printRow(name, [
      `${one.cpuUs.toFixed(1)} µs`,
      `${one.cpuUsLow.toFixed(1)}-${one.cpuUsHigh.toFixed(1)}`,
      `${(one.cpuUs / base).toFixed(2)} x`,
      one.requestsPerSecond.toFixed(0),
      one.p50Ms.toFixed(2),
      one.p99Ms.toFixed(2),
      `${(100 * one.busyShare).toFixed(0)} %`,
    ])
  }
  console.log(`ratio: CPU against ${against}; busy: how much of its processor the server used`)
  const ratios = Object.keys(scores).map((name) => [name, ratioOf(scores, name, against)] as const)
  return { against, ratios: Object.fromEntries(ratios), figures: scores }
}

const printRow = (name: string, cells: readonly string[]): void =>
  console.log([name.padEnd(28), ...cells.map((cell) => cell.padStart(15))].join(''))
