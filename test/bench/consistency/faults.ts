import { setTimeout as delay } from 'node:timers/promises'
import { Client, type QueryResultRow } from 'pg'
import { askRedis } from '../../../deploy/laptop/redis-talk.ts'
import { send } from '../../../deploy/laptop/live-process.ts'
import type { Dice } from './dice.ts'

/** What a fault may lay hands on. */
export type World = {
  readonly url: string
  readonly redisUrl: string | undefined
  /** Absent: the servers are not ours to kill. */
  readonly servers:
    | {
        readonly postgres: { restart(): Promise<void> }
        readonly redis: { signal(name: NodeJS.Signals): void; restart(): Promise<void> }
      }
    | undefined
  /** The processes of the checker. */
  readonly pids: readonly number[]
  readonly dice: Dice
  /** No more commits of these processes, until it is called with false. */
  setQuiet(isQuiet: boolean, processes: readonly number[]): void
}

type Fault = {
  /** Needs servers that are ours. */
  readonly isViolent: boolean
  readonly run: (world: World) => Promise<void>
}

export type FaultName = keyof typeof faults

/** How the connections are called on which one process, or each, follows the changes. */
export const followerName = (self: number | '%'): string => `checker-${self}`

const followers = (self: number | '%'): string => `select pid from pg_stat_activity
  where application_name like '${followerName(self)}-changes' and datname = current_database()`

export const faults = {
  'hints cut off': {
    isViolent: true,
    run: (world) => repeat(5, 300, () => redis(world, ['CLIENT', 'KILL', 'TYPE', 'pubsub'])),
  },
  'redis frozen': {
    isViolent: true,
    async run({ servers }) {
      servers?.redis.signal('SIGSTOP')
      await delay(3_000)
      servers?.redis.signal('SIGCONT')
    },
  },
  'redis flushed': {
    isViolent: true,
    run: (world) => repeat(3, 200, () => redis(world, ['FLUSHALL'])),
  },
  'redis killed': { isViolent: true, run: async ({ servers }) => servers?.redis.restart() },
  'redis full': {
    isViolent: true,
    async run(world) {
      await redis(world, ['CONFIG', 'SET', 'maxmemory', '1'])
      await delay(2_000)
      await redis(world, ['CONFIG', 'SET', 'maxmemory', '0'])
    },
  },
  'followers cut off': {
    isViolent: false,
    run: (world) =>
      repeat(5, 300, async () => {
        await database(world, `select pg_terminate_backend(pid) from (${followers('%')}) as one`)
      }),
  },
  'followers frozen': { isViolent: true, run: (world) => freezeFollowers(world, '%') },
  'one reader blind': {
    isViolent: true,
    async run(world) {
      // it writes nothing itself, or it would know that it knows nothing
      const self = world.dice.below(world.pids.length)
      world.setQuiet(true, [self])
      await freezeFollowers(world, self)
      world.setQuiet(false, [self])
    },
  },
  'database killed': { isViolent: true, run: killDatabase },
  'database killed unheard': {
    isViolent: true,
    async run(world) {
      await stopFollowers(world, '%')
      await delay(300) // what is committed now nobody hears of before the crash takes the log
      await world.servers?.postgres.restart()
      await delay(1_000)
    },
  },
  'process stopped': {
    isViolent: false,
    async run({ pids, dice }) {
      const pid = pids[dice.below(pids.length)] ?? 0
      send(pid, 'SIGSTOP')
      await delay(5_000)
      send(pid, 'SIGCONT')
    },
  },
  'epoch rotated': {
    isViolent: false,
    run: (world) =>
      repeat(3, 100, async () => {
        await database(world, 'select rotate_cache_epoch()')
      }),
  },
} as const satisfies Record<string, Fault>

export const faultNames = Object.keys(faults).filter(isFault)

export function isFault(name: string): name is FaultName {
  return Object.hasOwn(faults, name)
}

/** The backends themselves are stopped, so that the connections stay and nothing comes. */
async function freezeFollowers(world: World, self: number | '%'): Promise<void> {
  const frozen = new Set<number>()
  const untilMs = performance.now() + 3_500
  try {
    while (performance.now() < untilMs) {
      const stopped = await stopFollowers(world, self)
      stopped.forEach((pid) => frozen.add(pid))
      await delay(10)
    }
  } finally {
    frozen.forEach((pid) => send(pid, 'SIGCONT'))
  }
}

async function stopFollowers(world: World, self: number | '%'): Promise<readonly number[]> {
  const pids = await database<{ pid: number }>(world, followers(self))
  return pids.map(({ pid }) => {
    send(pid, 'SIGSTOP')
    return pid
  })
}

/** With many ids of transactions that nobody waited for, and nobody will have heard of after the crash: the next ones to
 *  write are given the same. */
async function killDatabase(world: World): Promise<void> {
  const all = world.pids.map((_, index) => index)
  world.setQuiet(true, all)
  await delay(150) // what is being written is over
  const client = await connect(world.url)
  client.on('error', () => undefined)
  await client.query(useUp('rollback'))
  await delay(30) // answers that saw those end
  world.setQuiet(false, all)
  await world.servers?.postgres.restart()
  await client.end().catch(() => undefined)
  await delay(60)
  await database(world, useUp('commit'))
  await delay(1_000)
}

const useUp = (end: 'commit' | 'rollback'): string => `do $$ begin
  for turn in 1..400 loop perform pg_current_xact_id(); ${end}; end loop; end $$`

async function repeat(times: number, pauseMs: number, work: () => Promise<void>): Promise<void> {
  for (let turn = 0; turn < times; turn += 1) {
    await work()
    await delay(pauseMs)
  }
}

async function redis({ redisUrl }: World, command: readonly string[]): Promise<void> {
  if (redisUrl !== undefined) {
    await askRedis(redisUrl, [command])
  }
}

async function database<Row extends QueryResultRow>(
  { url }: World,
  statement: string,
): Promise<readonly Row[]> {
  const client = await connect(url)
  try {
    const { rows } = await client.query<Row>(statement)
    return rows
  } finally {
    await client.end()
  }
}

async function connect(url: string): Promise<Client> {
  const client = new Client({ connectionString: url, application_name: 'psql' })
  await client.connect()
  return client
}
