import { fork } from 'node:child_process'
import { once } from 'node:events'

/** Another process of a benchmark, which answers one question after another. */
export type Forked<Question, Answer> = {
  readonly pid: number
  ask(question: Question): Promise<Answer>
  stop(): Promise<void>
}

/** What a file in `processes/` does: opens what it needs by what it was started with, and answers what it is asked until its
 *  parent is gone. */
export function answerParent(
  open: (setup: any) => Promise<{
    readonly answer: (question: any) => Promise<unknown>
    readonly close: () => Promise<void>
  }>,
): void {
  const setup: unknown = JSON.parse(process.env['BENCH_SETUP'] ?? '{}')
  const opened = open(setup)
  process.on('message', ({ question, isLast }: { question: unknown; isLast: boolean }) => {
    const work = opened.then((one): Promise<unknown> =>
      isLast ? one.close() : one.answer(question),
    )
    work.then(
      (answer) => process.send?.({ answer }),
      (error: unknown) => process.send?.({ error: String(Reflect.get(Object(error), 'stack')) }),
    )
  })
  process.on('disconnect', () => process.exit())
}

/** Starts `processes/<name>.ts`.  @param options more of Node's own, such as `--expose-gc` */
export function startForked<Question, Answer>(
  name: string,
  setup: unknown,
  options: readonly string[] = [],
): Forked<Question, Answer> {
  const child = fork(new URL(`processes/${name}.ts`, import.meta.url), {
    execArgv: [...options],
    env: { ...process.env, BENCH_SETUP: JSON.stringify(setup) },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`${name} ended with ${String(code)}`)
  })
  ended.catch(() => undefined)
  async function ask(question: unknown, isLast: boolean): Promise<Answer> {
    const answered = once(child, 'message')
    child.send({ question, isLast })
    const [{ answer, error }] = await Promise.race([answered, ended])
    if (error !== undefined) {
      throw new Error(error)
    }
    return answer
  }
  return {
    pid: child.pid ?? 0,
    ask: (question) => ask(question, false),
    async stop() {
      await ask(undefined, true)
      child.disconnect()
      await ended.catch(() => undefined)
    },
  }
}
