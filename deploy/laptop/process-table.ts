import type { ChildProcess } from 'node:child_process'
import { z } from 'zod'
import { identify, send, terminate } from './live-process.ts'
import { readIfThere, writePrivate } from './private-file.ts'

const recordSchema = z.array(z.object({ name: z.string(), pid: z.int(), identity: z.string() }))
type ProcessRecord = z.infer<typeof recordSchema>[number]

/** The children of this run, on disk from the moment they exist, so that the next run finds what this one left behind. */
export type ProcessTable = { add(name: string, child: ChildProcess): void }

/** Opens the table empty; call `leftovers` before, or what it held is forgotten. */
export function openProcessTable(path: string): ProcessTable {
  const records = new Map<number, ProcessRecord>()
  const save = (): void => writePrivate(path, JSON.stringify([...records.values()]))
  save()
  return {
    add(name, { pid }) {
      const identity = pid === undefined ? undefined : identify(pid)
      if (pid !== undefined && identity !== undefined) {
        records.set(pid, { name, pid, identity })
        save()
      }
    },
  }
}

/** What a former run recorded and did not stop. A damaged table counts as empty: it only speeds up the cleaning. */
export function leftovers(path: string): readonly ProcessRecord[] {
  const parsed = recordSchema.safeParse(parseJson(readIfThere(path) ?? '[]'))
  return (parsed.data ?? []).filter(({ pid, identity }) => identify(pid) === identity)
}

/** Gives them the time to stop by themselves (their launcher is gone, which they notice), then ends them with their group. */
export async function stopLeftovers(records: readonly ProcessRecord[]): Promise<void> {
  const pids = records.map(({ pid }) => pid)
  try {
    await terminate(pids, [{ signal: 'SIGTERM', waitMs: 5000 }])
  } catch {
    pids.forEach((pid) => send(-pid, 'SIGKILL'))
    await terminate(pids, [{ signal: 'SIGKILL', waitMs: 2000 }])
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
