import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { systemClock } from '../../shared/platform/clock.ts'
import { within } from '../../shared/platform/resilience/within.ts'
import { redisUrl } from '../support/servers.ts'
import { loadRival, type Contender } from './races/contender.ts'
import { openCourses, type Courses } from './races/course.ts'
import { interleavings, type Interleaving } from './races/interleavings.ts'
import { rivals } from './races/rivals.ts'
import { tidegate } from './races/tidegate.ts'

/** For a race that hangs. */
const raceMsMax = 20_000

const Manifest = z.object({
  version: z.string().default(''),
  dependencies: z.record(z.string(), z.string()),
})

/** Runs every interleaving with every cache: each has one outcome, which no machine makes another by being slow or fast.
 *  Prints what the read gave that must be right. */
export async function races(): Promise<void> {
  const url = redisUrl()
  if (url === undefined) {
    throw new Error('the races need a redis-server on PATH')
  }
  await loadRival('bentocache')
  const manifest = (path: string) =>
    Manifest.parse(JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')))
  const contenders = [
    tidegate(manifest('../../package.json').version),
    ...rivals(manifest('./package.json').dependencies),
  ]
  const courses = await openCourses(url)
  const notes: string[] = []
  // A rival that leaves a promise alone when its connection ends would end the run.
  const left = (reason: unknown): void => void notes.push(`left unhandled: ${String(reason)}`)
  process.on('unhandledRejection', left)
  print(['interleaving', ...contenders.map(({ name, version }) => `${name} ${version}`)])
  print(['---', ...contenders.map(() => '---')])
  try {
    for (const interleaving of interleavings) {
      const cells: string[] = []
      for (const contender of contenders) {
        cells.push(await outcomeOf(courses, interleaving, contender, notes))
      }
      print([interleaving.name, ...cells])
    }
  } finally {
    await courses.close()
    process.off('unhandledRejection', left)
  }
  console.log(`\nfresh: the read gave what was committed; STALE: it gave something else; n/a: the cache has nothing that the race
is about. A read of a second process brings the writer's consistency token where the cache has one.`)
  new Set(notes).forEach((note) => console.log(note))
}

const print = (cells: readonly string[]): void => console.log(`| ${cells.join(' | ')} |`)

async function outcomeOf(
  courses: Courses,
  { name, run }: Interleaving,
  contender: Contender,
  notes: string[],
): Promise<string> {
  const course = await courses.lay(contender)
  try {
    const outcome = await within(raceMsMax, systemClock, () => run(course))
    if (outcome === undefined) {
      return 'n/a'
    }
    const [seen, right] = outcome
    return seen === right ? 'fresh' : 'STALE'
  } catch (error) {
    notes.push(`${contender.name}, ${name}: ${String(error)}`)
    return 'error'
  } finally {
    await course.end()
  }
}
