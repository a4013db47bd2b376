import { startForked } from '../forked.ts'
import { median, quantile } from '../quantile.ts'
import type { LoadAnswer, LoadQuestion, LoadSetup } from '../processes/http-load.ts'
import { fetchAnswer, requestText, type Asked, type WireAnswer } from './answer.ts'
import { cpuOf, pinServer, treeOf } from './processors.ts'
import type { Server } from './server.ts'

/** A server and what it is asked. */
export type Contestant = {
  readonly name: string
  readonly server: Server
  readonly asked: Asked
  /** What it must answer; checked once byte for byte, then by status and length. */
  readonly expected: Pick<WireAnswer, 'status' | 'body'>
}

export type ContestOptions = {
  readonly rounds: number
  readonly requests: number
  readonly warmUp: number
  readonly connections: number
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
  { rounds, requests, warmUp, connections }: ContestOptions,
): Promise<Readonly<Record<string, Score>>> {
  await Promise.all(contestants.map(checkBytes))
  contestants.forEach(({ server }) => pinServer(server.pid))
  const setup: LoadSetup = { connections }
  const load = startForked<LoadQuestion, LoadAnswer>('http-load', setup)
  const seen = new Map(contestants.map(({ name }) => [name, new Array<Round>()]))
  for (const contestant of contestants) {
    await turn(load, contestant, warmUp)
  }
  for (let round = 0; round < rounds; round += 1) {
    const at = round % contestants.length
    for (const contestant of [...contestants.slice(at), ...contestants.slice(0, at)]) {
      seen.get(contestant.name)?.push(await turn(load, contestant, requests))
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
  count: number,
): Promise<Round> {
  const expects = { status, bodyBytes: status === 304 ? undefined : body.length }
  await load.ask({ kind: 'open', port: server.port, request: requestText(asked), expects })
  const pids = treeOf(server.pid)
  const before = cpuOf(pids)
  const answer = await load.ask({ kind: 'run', count })
  const spent = cpuOf(pids) - before
  await load.ask({ kind: 'close' })
  return { ...answer, cpuUs: spent / count, busyShare: spent / (answer.seconds * 1e6) }
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

/** One line for each contestant, CPU against that of `against`. */
export function printScores(scores: Readonly<Record<string, Score>>, against: string): void {
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
}

const printRow = (name: string, cells: readonly string[]): void =>
  console.log([name.padEnd(28), ...cells.map((cell) => cell.padStart(13))].join(''))
