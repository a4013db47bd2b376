import http from 'k6/http'
import { sleep } from 'k6'
import { Counter, Rate } from 'k6/metrics'
import type { Catalogue } from './browsing.ts'
import { isProfileName, profiles, scale } from './profiles.ts'
import { marks, scenarios, type Scenario } from './scenarios.ts'
import type { Answer, Session, Step } from './session.ts'
import { abortAt, type Threshold } from './thresholds.ts'

// The same scenarios for who has k6:
//   k6 run -e SCENARIO=browsing -e PROFILE=staged -e BASE_URL=… -e API_KEY=… test/load/k6.ts --out json=before.json
// Without SCENARIO it is browsing, without PROFILE the short one.

const name = __ENV['SCENARIO'] ?? 'browsing'
const profile = __ENV['PROFILE'] ?? 'short'
const scenario = chosen()
const stages = scenario.stages ?? stagesOf()
const counters = new Map(marks.map((mark) => [mark, new Counter(mark.replaceAll('-', '_'))]))
const failures = new Rate('failures')
const hits = new Rate('cache_hits')

export const options = {
  stages: stages.map(({ users, seconds }) => ({ target: users, duration: `${seconds}s` })),
  thresholds: thresholdsOf(),
  summaryTrendStats: ['avg', 'p(50)', 'p(95)', 'p(99)', 'max'],
}

/** What k6 hands to every user: what there is to be read. */
export function setup(): Catalogue {
  const steps = scenario.discover()
  let next = steps.next()
  while (next.done !== true) {
    next = steps.next('path' in next.value ? send(next.value) : nothingAsked)
  }
  return next.value
}

// Each user of k6 has its own copy of this file, and so its own session.
let session: Session | undefined
let given: Answer | undefined

/** One request and the pauses before it; k6 calls it again and again. */
export default function iterate(catalogue: Catalogue): void {
  session ??= scenario.user(catalogue, Math.random)
  for (;;) {
    const step: Step = given === undefined ? session.next().value : session.next(given).value
    if ('path' in step) {
      given = send(step)
      count(given)
      return
    }
    given = nothingAsked
    sleep(step.pauseMs / 1000)
  }
}

const nothingAsked: Answer = { status: 0, header: () => undefined, body: '' }

function send({ path, headers }: Extract<Step, { path: string }>): Answer {
  const key = scenario.scopes.length > 0 ? __ENV['API_KEY'] : undefined
  const authorization = key === undefined ? {} : { Authorization: `Bearer ${key}` }
  const response = http.get(`${__ENV['BASE_URL'] ?? 'http://localhost:3000'}${path}`, {
    headers: { ...authorization, ...headers },
    timeout: '10s',
    // One name for all: k6 would keep figures for every address.
    tags: { name },
  })
  const received = Object.entries(response.headers).map(
    ([header, value]) => [header.toLowerCase(), value] as const,
  )
  const byName = new Map(received)
  return {
    status: response.status,
    header: (header) => byName.get(header),
    body: response.body ?? '',
  }
}

function count(answer: Answer): void {
  const found = scenario.judge(answer)
  found.forEach((mark) => counters.get(mark)?.add(1))
  failures.add(found.includes('error'))
  if (found.includes('cache-hit') || found.includes('cache-miss')) {
    hits.add(found.includes('cache-hit'))
  }
}

function chosen(): Scenario {
  const found = scenarios[name]
  if (found === undefined || found.notYet !== undefined) {
    const known = Object.keys(scenarios).join(', ')
    throw new Error(found?.notYet ?? `SCENARIO is one of ${known}, not ${name}`)
  }
  return found
}

function stagesOf() {
  if (!isProfileName(profile)) {
    throw new Error(`PROFILE is one of ${Object.keys(profiles).join(', ')}, not ${profile}`)
  }
  const users = __ENV['VUS'] === undefined ? undefined : Number(__ENV['VUS'])
  return scale(profiles[profile], { users })
}

/** Memory and pool of the API are nothing that k6 sees; requests per second are those of the whole run, ramps included, so
 *  they decide nothing here. */
function thresholdsOf(): Readonly<Record<string, readonly unknown[]>> {
  const asked: Record<string, unknown[]> = {
    failures: [
      { threshold: `rate<=${abortAt.errorRatio}`, abortOnFail: true, delayAbortEval: '10s' },
    ],
  }
  for (const threshold of scenario.thresholds) {
    const found = k6Threshold(threshold)
    if (found !== undefined) {
      const [metric, text] = found
      asked[metric] = [...(asked[metric] ?? []), text]
    }
  }
  return asked
}

function k6Threshold({ metric, is, limit }: Threshold): readonly [string, string] | undefined {
  const sign = { below: '<', above: '>', 'at most': '<=' }[is]
  const known: Readonly<Partial<Record<Threshold['metric'], readonly [string, string]>>> = {
    p50Ms: ['http_req_duration', 'p(50)'],
    p95Ms: ['http_req_duration', 'p(95)'],
    p99Ms: ['http_req_duration', 'p(99)'],
    errorRatio: ['failures', 'rate'],
    hitRatio: ['cache_hits', 'rate'],
    serverErrors: ['server_error', 'count'],
    blocked: ['blocked', 'count'],
    blockedWrongly: ['blocked_wrongly', 'count'],
    limitNotTold: ['limit_not_told', 'count'],
  }
  const found = known[metric]
  return found && [found[0], `${found[1]}${sign}${limit}`]
}
